# The mails. Each mail to a recipient has a subject, a sentence, one button and a closing line.

mail-hello = Hello { $name },
mail-hello-unnamed = Hello,
mail-test = This is a test. The documents are not legally binding.
mail-reference = Reference { $reference }
mail-no-account = You need no account.
mail-unexpected = Not expecting this? Do not open the link; write to { $contact }.
mail-unexpected-no-contact = Not expecting this? Do not open the link.
mail-questions = Questions? Write to { $contact }.
mail-message = Message from { $sender }:
mail-extent = { $documents ->
    [one] 1 document
   *[other] { $documents } documents
}, { $pages ->
    [one] 1 page
   *[other] { $pages } pages
}
mail-link-else = If the button does not work, copy this address into your browser:

mail-invitation-subject = { $sender } asks you to sign: { $subject }
mail-invitation-text = { $sender } asks you to sign “{ $subject }” ({ $extent }).
mail-invitation-text-deadline = { $sender } asks you to sign “{ $subject }” ({ $extent }) before { $deadline }.
mail-invitation-button = Review and sign

mail-turn-subject = Your turn to sign: { $subject }
mail-turn-text = The people before you have signed. It is now your turn to sign “{ $subject }” ({ $extent }) for { $sender }.
mail-turn-text-deadline = The people before you have signed. It is now your turn to sign “{ $subject }” ({ $extent }) for { $sender }, before { $deadline }.

mail-completed-subject = Everyone has signed: { $subject }
mail-completed-text = Everyone has signed “{ $subject }”. The sealed documents and the proof file are ready for you.
mail-completed-button = Open your copy
mail-completed-keep = Please download them and keep them; the link may stop working one day.

mail-declined-subject = Declined: { $subject }
mail-declined-text = { $who } declined to sign “{ $subject }”. Nobody can sign it any more, and there is nothing to do for you.
mail-declined-reason = Reason given: { $reason }

mail-withdrawn-subject = Withdrawn: { $subject }
mail-withdrawn-text = { $sender } withdrew the request to sign “{ $subject }”. There is nothing to do for you.
mail-withdrawn-reason = Reason given: { $reason }

mail-expired-subject = The deadline has passed: { $subject }
mail-expired-text = The time to sign “{ $subject }” ended on { $deadline }. If you still want to sign, please ask { $sender }.

# To administrators.

mail-trouble-seal-subject = Documents can't be sealed
mail-trouble-seal-text = The key of the seal can't be used. Envelopes that everyone has signed wait for their seal, and no other can be sent. No signature is lost: once the cause is gone, sealing goes on by itself.
mail-trouble-evidence-subject = An envelope can't be finished: { $envelope }
mail-trouble-evidence-text = The seal or the audit trail of { $envelope } failed { $n ->
    [one] once
   *[other] { $n } times
}. No signature is lost, and Paraph goes on trying.
mail-trouble-webhook-subject = A webhook was switched off: { $host }
mail-trouble-webhook-text = Paraph gave up calling { $host }. The program behind it hears of nothing any more. Once it works again, register the webhook anew.
mail-trouble-disk-subject = The disk is nearly full
mail-trouble-disk-text = { $free } are free where Paraph keeps its data. Under { $least } new documents and envelopes are refused.
mail-trouble-reason = Reason: { $reason }
mail-trouble-button = Open the administration pages
mail-trouble-once = As long as this lasts you are told once a day.
