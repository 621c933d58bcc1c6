# What stands in the documents themselves: the pages added to signed documents, the audit trail, the seals' reasons.
# Whoever translates this writes for auditors and judges: plain, exact, no abbreviations but those of the trade.

proof-test = TEST - NOT LEGALLY BINDING
proof-sealed-by = Sealed by { $organisation }
proof-reason-document = Sealed after all recipients signed envelope { $envelope }
proof-reason-trail = Audit trail

proof-role-signer = Signer
proof-identity = Identity
proof-identity-link = Personal link, made for this e-mail address
proof-email = E-mail
proof-role = Role
proof-invited = Invited
proof-opened = Opened
proof-signed = Signed
proof-declined = Declined
proof-address = IP address
proof-browser = Browser
proof-signature = Signature
proof-signature-typed = Typed name
proof-signature-drawn = Drawn by hand
proof-signature-picture = Uploaded picture
proof-consent = Consent text
proof-consent-version = Version { $version }, language { $language }
proof-consent-sha256 = SHA-256 of that text

# The page of those who have no field in the document.
proof-signatures = Signatures

certificate-title = Certificate of signature
certificate-statement = Signed with simple electronic signatures and sealed by { $organisation }.
certificate-document = Document
certificate-original-sha256 = SHA-256 of the original
certificate-envelope = Envelope
certificate-subject = Subject
certificate-entry = Audit trail
certificate-entry-number = Entry { $sequence }: everyone has signed
certificate-entry-hash = Hash of that entry
certificate-recipients = Recipients
certificate-check = How to check this document
certificate-check-seal = Any change made after the seal shows in a PDF reader that checks signatures, once the certificate of the seal’s issuer is trusted. It is published at { $address }
certificate-check-original = The first { $size } bytes of this file are the original document, byte for byte. Their SHA-256 is the one above.
certificate-check-trail = The audit trail is a sealed file of its own. It tells every step, with the same hashes as this page.

trail-title = Audit trail: { $subject }
trail-name = Audit trail
trail-instant = { $moment } UTC
trail-as-of = As of entry { $sequence }, { $moment }
trail-test = Test: not legally binding
trail-interim = Interim: the envelope has not ended
trail-page-of = Page { "{page}" } of { "{pages}" }

trail-envelope = Envelope
trail-id = Id
trail-status = Status
trail-status-draft = Draft
trail-status-sent = Sent, not opened yet
trail-status-delivered = Opened, not signed yet
trail-status-partially-signed = Signed by some
trail-status-completed = Completed: everyone has signed
trail-status-declined = Declined
trail-status-voided = Withdrawn by the sender
trail-status-expired = Expired: the deadline has passed
trail-level = Signature level
trail-level-simple = Simple electronic signatures, sealed by the organisation
trail-created = Created
trail-sent = Sent
trail-ended = Ended
trail-decline-reason = Reason for declining
trail-void-reason = Reason for withdrawing
trail-external-id = External id

trail-documents = Documents
trail-document = Document
trail-pages = Pages
trail-uploaded-sha256 = SHA-256 as uploaded
trail-sealed-sha256 = SHA-256 as sealed
trail-recipients = Recipients

trail-events = Events
trail-number = No.
trail-time = Time (UTC)
trail-event = Event
trail-actor = Who
trail-from = IP address
trail-entry-hash = Hash

trail-integrity = Integrity
trail-head-number = Entries in this trail
trail-head = Hash of the last entry
trail-export = JSON export
trail-export-sha256 = SHA-256 of that export

trail-certificates = Certificates
trail-certificate-subject = Subject
trail-certificate-issuer = Issuer
trail-certificate-serial = Serial number
trail-certificate-valid = Valid (UTC)
trail-certificate-sha256 = SHA-256

trail-check = How to check this trail
trail-check-seal = This file is sealed: any change to it shows in a PDF reader that checks signatures, once the issuer’s certificate above is trusted.
trail-check-chain = Each entry’s hash covers the entry and the hash of the one before it. Nothing can be changed, taken out or put in without breaking all hashes that follow.
trail-check-export = The JSON export named under Integrity holds the very bytes that were hashed, so the whole chain can be computed again with any SHA-256 tool: each entry's bodyHash is the digest of its salt (16 bytes) and its body; its hash is the digest of the text paraph-audit-v1, the hash of the entry before it, its sequence (8 bytes, highest first) and its bodyHash; before the first entry stands the digest of paraph-audit-v1 and the envelope's id. The export can be downloaded with exactly these entries for as long as the envelope is kept, even after later entries were added.
trail-check-documents = The certificate page in each sealed document carries the hash of the entry before its seal. The entry envelope.completed carries the SHA-256 of the sealed documents.

trail-actor-api-key = API key { $name }
trail-actor-admin = Administrator { $name }
trail-actor-operator = Operator at the command line
trail-actor-system = The appliance
trail-actor-stranger = Unknown
trail-factor-api-key = API key
trail-factor-link = personal link
trail-factor-setup-link = setup link
trail-factor-reset-link = reset link
trail-factor-password = password
trail-factor-shell = shell

trail-former-recipient = a former recipient
trail-event-created = Draft made
trail-event-edited = Draft changed
trail-event-links = Personal links made for { $recipients }
trail-event-sent = Sent. Invited first: { $recipients }. Open until { $moment }
trail-event-invited = Invited: { $recipients }
trail-event-mail-invitation = Invitation mail queued for { $recipients }
trail-event-mail-completed = Completion mail queued for { $recipients }
trail-event-mail-declined = Mail about the refusal queued for { $recipients }
trail-event-mail-withdrawn = Mail about the withdrawal queued for { $recipients }
trail-event-mail-expired = Mail about the passed deadline queued for { $recipients }
trail-event-viewed = { $recipient } opened the link
trail-event-consent = { $recipient } agreed to sign electronically (text { $version })
trail-event-signed = { $recipient } signed
trail-event-all-acted = Everyone has signed
trail-event-completed = Sealed and completed
trail-event-declined = { $recipient } declined: { $reason }
trail-event-voided = Withdrawn by the sender
trail-event-voided-reason = Withdrawn by the sender: { $reason }
trail-event-expired = The deadline passed without { $recipients }
trail-event-discarded = Draft deleted
trail-event-seal-parked = The seal waits: { $reason }
trail-event-seal-resumed = The seal is tried again
trail-event-seal-failed = Attempt { $attempt } to seal failed: { $reason }
trail-event-mail-accepted = Mail to { $recipient } taken by the mail server: { $answer }
trail-event-mail-refused = Mail to { $recipient } refused by the mail server: { $answer }
trail-event-link-fetched = Link of { $recipient } fetched (not counted as opened)
trail-event-served = Document shown to { $recipient }
trail-event-downloaded-unsigned = Downloaded: the document before the seal
trail-event-downloaded-signed = Downloaded: the sealed document
trail-event-downloaded-trail = Downloaded: the audit trail
trail-event-kept = Audit trail kept as a file, up to entry { $sequence }
