# The administrators' pages.

admin-product = Paraph
admin-live = LIVE
admin-test = TEST
admin-environment = Environment
admin-environment-note-test = You see test data. Nothing here is legally binding, and no mail leaves.
admin-nav = Sections
admin-nav-envelopes = Envelopes
admin-nav-keys = API keys
admin-nav-outbox = Outbox
admin-nav-jobs = Jobs
admin-button-logout = Log out
admin-button-cancel = Cancel
admin-page-newer = Newer
admin-page-older = Older
admin-never = never

admin-setup-title = Create the first administrator
admin-setup-text = This link works once. The administrator sees envelopes, makes API keys and looks after this appliance.
admin-name = Name
admin-email = E-mail address
admin-password = Password
admin-password-again = Password, once more
admin-password-hint = At least { $n } characters. A sentence of a few words is good.
admin-setup-button = Create administrator
admin-setup-gone-title = This setup link does not work
admin-setup-gone-text = It was used, is older than 30 minutes, or there is an administrator already. On the server, this makes a new one:

admin-reset-title = Set another password
admin-reset-text = This link works once. You are logged out everywhere else.
admin-reset-password = New password
admin-reset-button = Set password and log in
admin-reset-gone-title = This link does not work
admin-reset-gone-text = It was used, is older than 30 minutes, or a newer one was made. On the server, this makes a new one:

admin-login-title = Log in
admin-login-button = Log in
admin-login-forgotten = Forgotten? Run this on the server:
admin-logged-out = You are logged out.
admin-login-again = Please log in again to go on.

admin-keys-title = API keys
admin-keys-empty = There is no key yet.
admin-keys-empty-hint = A key lets a program send documents for signing. This is how it is used:
admin-keys-create-title = Create a key
admin-keys-name = Name of the program that uses it
admin-keys-scopes = Permissions
admin-keys-scopes-note = A program only needs what it does. Keys that manage keys are rarely needed.
admin-keys-button-create = Create key
admin-keys-new-title = The new key { $name }
admin-keys-new-text = It is shown this one time only. Store it where your program keeps its secrets.
admin-keys-button-copy = Copy
admin-keys-copied = Copied
admin-keys-button-stored = I have stored it
admin-keys-col-name = Name
admin-keys-col-key = Key
admin-keys-col-scopes = Permissions
admin-keys-col-created = Created
admin-keys-col-used = Last used
admin-keys-used-from = { $when }, from { $address }
admin-keys-revoked = Revoked { $when }
admin-keys-button-revoke = Revoke
admin-keys-revoke-title = Revoke the key { $name }
admin-keys-revoke-text = The program that uses it will be refused from the next request on. This can't be undone.
admin-keys-revoke-type = Type the name of the key to confirm: { $name }

admin-outbox-title = Outbox
admin-outbox-empty = No mail here.
admin-outbox-col-mail = Mail
admin-outbox-col-to = To
admin-outbox-col-state = State
admin-outbox-col-when = When
admin-outbox-unwritten = Not written yet
admin-outbox-captured = Captured
admin-outbox-waiting = Waiting
admin-outbox-sent = Sent
admin-outbox-failed = Failed
admin-outbox-captured-note = This mail is kept here and does not leave.
admin-outbox-release-note = A mail server is configured now. The mail is written anew and sent, unless it has nothing to say any more.
admin-outbox-button-release = Send it
admin-outbox-waiting-next = Next try { $when }
admin-outbox-answer = What the mail server said
admin-outbox-tries = { $n ->
    [one] 1 try
   *[other] { $n } tries
}
admin-outbox-links = Links in this mail
admin-outbox-text = Text
admin-outbox-back = All mail

admin-seals-failing = { $n ->
    [one] One envelope is signed by all, and its seal can't be made.
   *[other] { $n } envelopes are signed by all, and their seals can't be made.
}
admin-jobs-title = Jobs
admin-jobs-note = What Paraph does by itself and could not finish. Nothing is lost: seals and deadlines are tried again and again; Retry does it now.
admin-jobs-empty = No job has failed.
admin-jobs-col-job = Job
admin-jobs-col-about = About
admin-jobs-col-tries = Tries
admin-jobs-col-since = Since
admin-jobs-col-error = Last error
admin-jobs-next = Next try { $when }
admin-jobs-button-retry = Retry
admin-jobs-seal = Seal documents
admin-jobs-expire = Expire at the deadline
admin-jobs-trail = Make the audit trail
admin-jobs-mail = Send mail
admin-jobs-webhook = Deliver webhook
admin-jobs-other = Housekeeping

admin-envelopes-title = Envelopes
admin-envelopes-empty = There is no envelope yet.
admin-envelopes-empty-hint = Programs make envelopes through the API:
admin-envelopes-col-subject = Subject
admin-envelopes-col-status = Status
admin-envelopes-col-signed = Signed
admin-envelopes-col-created = Created
admin-envelopes-signed = { $done } of { $total }
admin-envelopes-filter = Show
admin-envelopes-all = All
admin-envelopes-button-filter = Show
admin-status-draft = Draft
admin-status-sent = Sent
admin-status-delivered = Opened
admin-status-partially-signed = Partly signed
admin-status-completed = Completed
admin-status-declined = Declined
admin-status-voided = Voided
admin-status-expired = Expired

admin-state-forbidden-title = This form is no longer valid
admin-state-forbidden-text = It was open too long, or came from another page. Nothing was changed.
admin-state-missing-title = Not found
admin-state-missing-text = There is nothing at this address.
admin-state-wait-title = One moment, please
admin-state-wait-text = There were too many requests. Please wait until { $time }.
admin-state-failure-title = Something went wrong
admin-state-failure-text = Nothing was lost. The log tells more under this reference: { $id }
admin-state-back = Back to the start
