# The signing pages. Recipients never read "envelope"; there is one verb, "sign". No markup. Names with "-button-" are at most 24 characters.

## Dates

date-monday = Monday
date-tuesday = Tuesday
date-wednesday = Wednesday
date-thursday = Thursday
date-friday = Friday
date-saturday = Saturday
date-sunday = Sunday
date-january = January
date-february = February
date-march = March
date-april = April
date-may = May
date-june = June
date-july = July
date-august = August
date-september = September
date-october = October
date-november = November
date-december = December
date-time = { $hour }:{ $minute }
date-zone-utc = UTC
date-zone-place = { $place } time
date-long = { $weekday } { $day } { $month } { $year }, { $time } ({ $zone })
date-short = { $year }-{ $month }-{ $day } { $time }
date-exact = { $year }-{ $month }-{ $day } { $time }:{ $second } UTC
date-exact-here = { $utc } ({ $local }, { $zone })
date-day = { $day } { $month } { $year }

## On every page

sign-test-strip = Test document – not legally binding
sign-skip-to-content = Skip to content
sign-footer-secured = Secured by Paraph
sign-help-title = Help
sign-help-contact = Questions about the documents? Write to { $contact }.
sign-help-no-contact = Questions about the documents? Answer the e-mail that brought you here.
sign-pages = { $n ->
    [one] 1 page
   *[other] { $n } pages
}
sign-documents = { $n ->
    [one] 1 document
   *[other] { $n } documents
}
sign-required = required
sign-button-back = Back
sign-problems-title = { $n ->
    [one] One thing to put right
   *[other] { $n } things to put right
}

## S1 gate

sign-gate-title = { $sender } asks you to sign
sign-gate-for = For { $name }
sign-gate-message = Message from { $sender }
sign-gate-deadline = Please answer before
sign-gate-button-review = Review and sign
sign-gate-button-decline = Decline
sign-gate-assurance = You read everything first. Nothing is signed until you say so on the last page.
sign-gate-not-me = I am not { $name }
sign-gate-not-me-text = Then please do not open the documents. They are meant for someone else. Tell the sender: { $contact }.
sign-gate-not-me-text-no-contact = Then please do not open the documents. They are meant for someone else. Tell the sender by answering the e-mail.
sign-gate-help-how = How does it work? You read the documents, fill in what is asked, choose how your signature looks, and confirm. It takes a few minutes, needs no account, and works on a phone.
sign-gate-stale = This page had been open for a long time. Please press the button once more.

## S4 review and fill

sign-review-title = Read and fill in
sign-review-documents = Documents
sign-review-panel = What is asked of you
sign-review-page = Page { $n } of { $total }
sign-review-page-text = Text of page { $n }
sign-review-text-view = Read the documents as text
sign-review-more = More
sign-review-download = Download { $name }
sign-review-not-final = not yet signed by everyone
sign-review-button-later = Finish later
sign-review-button-decline = Decline to sign
sign-review-button-finish = Finish
sign-review-button-next = Next
sign-review-button-start = Start
sign-review-zoom-in = Zoom in
sign-review-zoom-out = Zoom out
sign-review-zoom-fit = Fit to the width
sign-review-progress = { $done } of { $total } done
sign-review-progress-none = Nothing to fill in. Read, then go on.
sign-review-saved = Saved { $time }
sign-review-saving = Saving…
sign-review-offline = You are offline. Your answers are kept here and will be saved.
sign-review-not-saved = Not saved yet. We will try again.
sign-review-changed = Something changed in the meantime. Your answers were kept where possible.
sign-review-ended = Your session has ended. Your answers were kept. Open the link in the e-mail again.
sign-review-button-again = Review again
sign-review-page-undrawable = This page can't be shown here.
sign-review-open-pdf = Open the PDF
sign-review-intro = Read the documents. Under each page you find what is asked of you.
sign-review-text-elsewhere = The text of this page stands in the text view.
sign-review-idle = Are you still there? For your safety this page closes in two minutes. Your answers are kept.
sign-review-button-stay = Stay

## Fields

sign-field-signature = Signature
sign-field-initials = Initials
sign-field-date = Date
sign-field-text = Text
sign-field-checkbox = Tick box
sign-field-page = Page { $n }
sign-field-date-note = Filled in with the day on which you sign.
sign-field-button-sign = Sign here
sign-field-button-initial = Initial here
sign-field-button-change = Change
sign-field-ticked = Ticked
sign-field-unticked = Not ticked
sign-field-empty = Empty
sign-field-your-signature = Your signature
sign-field-your-initials = Your initials

## S5 signature

sign-make-title = Your signature
sign-make-type = Type
sign-make-draw = Draw
sign-make-upload = Upload
sign-make-how = How do you want to make it?
sign-make-name = Name
sign-make-initials = Initials
sign-make-style = Look
sign-make-style-one = { $name }, as { $style }
sign-make-no-style = No lettering here has all the letters of this name. Please draw or upload your signature.
sign-make-draw-hint = Draw with a finger, a pen or the mouse.
sign-make-draw-signature = Draw your signature
sign-make-draw-initials = Draw your initials
sign-make-draw-small = This looks very small. Use it anyway?
sign-make-button-undo = Undo
sign-make-button-clear = Clear
sign-make-upload-signature = Picture of your signature
sign-make-upload-initials = Picture of your initials
sign-make-upload-hint = PNG or JPEG, at most 5 MB and 40 megapixels. White paper becomes transparent.
sign-make-for = { $n ->
    [0] For a page that is added at the end.
    [one] For the field marked for you.
   *[other] For the { $n } fields marked for you.
}
sign-make-button-use = Use this signature
sign-make-close = Close
sign-make-working = One moment…
sign-make-busy = Not taken yet: there is too much to do just now. Please try again in a minute.
sign-make-offline = You are offline. Please try again when you are back.
sign-make-failed = That did not work. Please try again.

## S6 check and sign

sign-check-title = Check and sign
sign-check-documents = Documents
sign-check-open = Open
sign-check-not-opened = Please open and read this document first.
sign-check-you = You sign as
sign-check-answers = Your answers
sign-check-change = Change
sign-check-consent-title = Your agreement
sign-check-agree = I agree to sign these documents electronically, with the same intent as by hand.
sign-check-consent-read = What this means, in full
sign-check-proof = The proof file records my name, e-mail address, IP address, browser, times and document fingerprints.
sign-check-final = This can't be undone.
sign-check-button-sign = Sign
sign-check-signing = Signing…
sign-check-none = Nothing had to be filled in.

## S7 done

sign-done-title = You have signed.
sign-done-waiting = { $n ->
    [one] Waiting for one more person. We will e-mail the final documents to { $email }.
   *[other] Waiting for { $n } more people. We will e-mail the final documents to { $email }.
}
sign-done-preparing = We are preparing the final file. You can close this page; the documents will also come by e-mail to { $email }.
sign-done-complete = Everyone has signed.
sign-done-button-again = Check again
sign-done-button-document = Download document
sign-done-button-proof = Download proof file
sign-done-document-name = Download { $name }

## S8 decline

sign-decline-title = Decline to sign
sign-decline-warning = { $sender } will be told, nobody else can sign, and this can't be undone.
sign-decline-reason = Your reason
sign-decline-visible = Visible to { $sender } and in the proof file. At most { $n } characters.
sign-decline-button = Decline to sign
sign-decline-button-back = Back to the documents

## Text view

sign-text-title = { $name } as text
sign-text-hint = This is the text of the document, without its layout. What you sign is the document itself.
sign-text-none = No text was found on this page. Open the PDF to see it.
sign-text-back = Back to the form
sign-text-other = Other documents

## S10 kept for later

sign-later-title = Your answers are kept
sign-later-text = Use the link in the e-mail to return.
sign-later-button = Go on now

## State pages: title, sentence, next step

state-unknown-title = This link does not work
state-unknown-text = Copy the whole link from the e-mail, or ask the sender.
state-replaced-title = This link was replaced
state-replaced-text = Please use our newest e-mail.
state-expired-title = The deadline has passed
state-expired-text = You could sign until { $time }. If you still want to sign, ask the sender.
state-voided-title = The sender withdrew this request
state-voided-text = It was withdrawn on { $date }. There is nothing to do for you.
state-voided-reason = Reason
state-declined-title = This request was declined
state-declined-text = Someone else declined, so nobody can sign any more. There is nothing to do for you.
state-declined-you-title = You declined
state-declined-you-text = You declined on { $date }. Your answer is recorded for the sender. There is nothing more to do.
state-signed-title = You have already signed
state-signed-text = There is nothing more to do.
state-signed-button = Open your copy
state-draft-title = Not ready to sign yet
state-draft-text = The sender is still preparing this. We will write to you.
state-turn-title = Not your turn yet
state-turn-text = { $n ->
    [one] One person acts before you. We will write to you.
   *[other] { $n } people act before you. We will write to you.
}
state-session-title = Your session has ended
state-session-text = The answers that you sent or that were saved are kept. Open the link in the e-mail again.
state-changed-title = Something changed
state-changed-text = These documents were changed or signed in another window. Your answers were kept where possible.
state-changed-button = Review again
state-wait-title = One moment, please
state-wait-text = There were too many requests. Please wait until { $time }.
state-undrawable-title = This page can't be shown here
state-undrawable-text = You can read it in the PDF.
state-undrawable-button = Open the PDF
state-missing-title = There is nothing here
state-missing-text = This address leads nowhere, or what was here is gone.
state-not-taken-title = This could not be taken
state-not-taken-text = What was sent arrived incomplete, or is too large. Please go back, check it and send it again.
state-button-back = Back to the documents
state-failure-title = Something went wrong
state-failure-text = Please try again in a few minutes. Nothing was lost.
state-failure-reference = Reference { $id }
