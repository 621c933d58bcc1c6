//! What a request costs doesn't grow with what is stored: counted in steps of SQLite's virtual machine, never in time.

use super::*;
use crate::domain::envelope::Status;

/// Work of the requests that everybody makes, with `N` envelopes in the database.
#[derive(Debug)]
struct Cost {
    create: u64,
    send: u64,
    load: u64,
    first_page: u64,
    page_of_status: u64,
    claim: u64,
    link: u64,
}

impl Cost {
    fn each(&self) -> [u64; 7] {
        [
            self.create,
            self.send,
            self.load,
            self.first_page,
            self.page_of_status,
            self.claim,
            self.link,
        ]
    }
}

fn token(id: RecipientId, n: u32) -> Digest {
    Digest::of(format!("{id}{n}").as_bytes())
}

fn fill(f: &Fixture, envelopes: usize) {
    let mut left = envelopes;
    while left > 0 {
        let now = left.min(500);
        left -= now;
        f.store
            .write::<_, Error>(move |tx| {
                for _ in 0..now {
                    let mut envelope = new_envelope(tx, Test, 2)?;
                    tx.put_links(&envelope, token)?;
                    send(tx, &mut envelope)?;
                }
                Ok(())
            })
            .expect("filled");
    }
}

fn measure(f: &Fixture) -> Cost {
    f.store
        .write::<_, Error>(|tx| {
            let mut at = tx.steps();
            let mut lap = || {
                let since = tx.steps() - at;
                at = tx.steps();
                since
            };
            let mut envelope = new_envelope(tx, Test, 2)?;
            tx.put_links(&envelope, token)?;
            let create = lap();
            let send = dispatch(tx, &envelope);
            lap();
            command(tx, &mut envelope, send)?;
            let send = lap();
            assert_eq!(tx.load(Test, envelope.id)?, envelope);
            let load = lap();
            let page = tx.envelopes(Test, None, Window::page(1, 20))?;
            assert_eq!(page.items.len(), 20);
            let first_page = lap();
            let page = tx.envelopes(Test, Some(Status::Sent), Window::page(1, 20))?;
            assert_eq!(page.items.len(), 20);
            let page_of_status = lap();
            assert!(tx.claim_mail(&[Test], SPAN)?.is_some());
            assert!(tx.next_job_due(&JobKind::ALL)?.is_some());
            assert_eq!(tx.claim_deliveries(4, SPAN)?.len(), 4);
            assert!(tx.next_delivery_due()?.is_some());
            let claim = lap();
            let recipient = &envelope.definition.recipients[0];
            assert!(tx.link(&token(recipient.id, 1))?.is_some());
            let link = lap();
            Ok(Cost {
                create,
                send,
                load,
                first_page,
                page_of_status,
                claim,
                link,
            })
        })
        .expect("measured")
}

#[test]
fn requests_cost_the_same_with_ten_thousand_envelopes_as_with_a_hundred() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| new_webhook(tx, Test, &[EventName::EnvelopeSent]))
        .expect("webhook");
    fill(&f, 100);
    let few = measure(&f);
    f.clock.advance(SPAN * 2);
    fill(&f, 9_900);
    let many = measure(&f);
    println!("with 100: {few:?}\nwith 10,000: {many:?}");
    for (few, many) in few.each().into_iter().zip(many.each()) {
        assert!(few > 0, "nothing was counted");
        assert!(many <= few + few / 10, "{few} steps became {many}");
    }

    // Beside its documents and the trail, an envelope of two with its links and its files takes little room for good.
    let bytes = f
        .store
        .read::<_, Error>(|tx| {
            tx.find(
                "SELECT sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name
                 WHERE s.aggregate = TRUE
                     AND m.tbl_name IN ('envelope', 'definition', 'recipient', 'link', 'file_use', 'envelope_document')",
                [],
                |r| row::unsigned(r, 0),
            )
        })
        .expect("dbstat")
        .expect("a sum");
    println!("bytes per envelope: {}", bytes / 10_000);
    assert!(bytes / 10_000 <= 2_500);
}
