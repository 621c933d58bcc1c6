//! What the API says about itself in HTML, out of the executable, for everybody.

use super::Web;
use super::browser::page;
use super::error::ErrorCode;
use super::pages::errors::{Entry, Errors, Failure};
use actix_web::{HttpResponse, web};

/// Every code of a failed call: what `type` of a problem points to.
pub async fn errors(web: web::Data<Web>) -> HttpResponse {
    let html = Errors {
        root: web.public.root.clone(),
        entries: entries(),
    }
    .html();
    page(200, html)
}

/// The catalogue in its order. A code that goes with two statuses has one entry, as it has one address.
fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for code in ErrorCode::ALL {
        let failure = Failure {
            status: code.status(),
            title: code.title(),
            remedy: code.remedy(),
        };
        match entries.iter_mut().find(|e| e.code == code.as_str()) {
            Some(entry) => entry.failures.push(failure),
            None => entries.push(Entry {
                anchor: code.anchor(),
                code: code.as_str(),
                failures: vec![failure],
            }),
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_codes_share_an_address_and_no_failure_is_left_out() {
        let entries = entries();
        let anchors: BTreeSet<&str> = entries.iter().map(|e| e.anchor.as_str()).collect();
        assert_eq!(anchors.len(), entries.len());
        let failures: usize = entries.iter().map(|e| e.failures.len()).sum();
        assert_eq!(failures, ErrorCode::ALL.len());
    }
}
