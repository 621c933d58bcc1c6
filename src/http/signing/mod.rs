//! The recipient's pages: `/sign/{token}` is the gate, `/signing/{recipient}/…` the steps behind it.
//!
//! GET shows, POST acts and answers 303. A step out of turn leads to the right one.

mod afterwards;
mod check;
mod documents;
mod gate;
mod instead;
mod review;
mod session;
mod signature;

use crate::http::at;
use actix_web::http::Method;
use actix_web::web;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let step = |rest: &str| format!("/signing/{{recipient}}/{rest}");
    config
        .service(at(
            "/sign/{token}",
            vec![(Method::GET, web::to(gate::gate))],
        ))
        .service(at(
            "/sign/{token}/open",
            vec![(Method::POST, web::to(gate::open))],
        ))
        .service(at(
            "/signing/{recipient}",
            vec![(Method::GET, web::to(session::start))],
        ))
        .service(at(
            &step("review"),
            vec![
                (Method::GET, web::to(review::review_page)),
                (Method::POST, web::to(review::review_form)),
            ],
        ))
        .service(at(
            &step("fields/{field}"),
            vec![(Method::PUT, web::to(review::autosave))],
        ))
        .service(at(
            &step("signature"),
            vec![
                (Method::GET, web::to(signature::signature_page)),
                (Method::POST, web::to(signature::signature_form)),
            ],
        ))
        .service(at(
            &step("signature/preview/{style}.svg"),
            vec![(Method::GET, web::to(signature::preview))],
        ))
        .service(at(
            &step("signature/adopted/{kind}"),
            vec![(Method::GET, web::to(signature::adopted_picture))],
        ))
        .service(at(
            &step("check"),
            vec![
                (Method::GET, web::to(check::check_page)),
                (Method::POST, web::to(check::check_form)),
            ],
        ))
        .service(at(
            &step("done"),
            vec![(Method::GET, web::to(afterwards::done))],
        ))
        .service(at(
            &step("status"),
            vec![(Method::GET, web::to(afterwards::status))],
        ))
        .service(at(
            &step("later"),
            vec![(Method::GET, web::to(afterwards::later))],
        ))
        .service(at(
            &step("decline"),
            vec![
                (Method::GET, web::to(afterwards::decline_page)),
                (Method::POST, web::to(afterwards::decline_form)),
            ],
        ))
        .service(at(
            &step("proof"),
            vec![(Method::GET, web::to(afterwards::proof))],
        ))
        .service(at(
            &step("documents/{document}/pages/{page}.png"),
            vec![(Method::GET, web::to(documents::page_image))],
        ))
        .service(at(
            &step("documents/{document}/text"),
            vec![(Method::GET, web::to(documents::document_text))],
        ))
        .service(at(
            &step("documents/{document}/file"),
            vec![(Method::GET, web::to(documents::document_file))],
        ));
}
