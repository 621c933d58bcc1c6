//! What the operator's probe asks of an appliance, beside a running one or before it starts. It changes nothing.

use super::delivering::schemes;
use super::{App, Error};
use crate::domain::environment::Environment;
use crate::domain::event::CertificateUse;
use crate::domain::limits;
use crate::outbound::{Refused, Target};
use crate::store::Window;
use std::collections::BTreeMap;
use std::time::Duration;

/// Names that are looked up at once.
const LOOK_UPS_AT_ONCE: usize = 64;
/// How long one look-up may take.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(4);

/// A receiver of webhooks, by its host.
#[derive(Debug)]
pub struct Receiver {
    /// In which world.
    pub environment: Environment,
    /// Its host and port.
    pub host: String,
    /// Why it can't be called as things are.
    pub refused: Option<Refused>,
}

impl App {
    /// Opens every private key that the database holds for use now. An error tells that the master key is another one than these
    /// were encrypted under, or that they are damaged.
    pub fn probe_keys(&self) -> Result<usize, Error> {
        let mut opened = 0;
        for environment in Environment::ALL {
            for usage in [CertificateUse::Ca, CertificateUse::Seal] {
                let kept = self
                    .store
                    .read(|tx| Ok::<_, Error>(tx.current_certificate(environment, usage)?))?;
                if let Some(kept) = kept {
                    self.open_key(&kept)?;
                    opened += 1;
                }
            }
        }
        Ok(opened)
    }

    /// Looks the hosts of all active webhooks up and judges their addresses, as each delivery does.
    pub fn probe_webhooks(&self) -> Result<Vec<Receiver>, Error> {
        let window = Window::page(1, limits::PAGE_SIZE_MAX);
        let mut targets = BTreeMap::new();
        for environment in Environment::ALL {
            let page = self
                .store
                .read(|tx| Ok::<_, Error>(tx.webhooks(environment, window)?))?;
            for webhook in page.items.into_iter().filter(|it| it.is_active) {
                let parsed = Target::parse(&webhook.url, schemes(environment));
                let host = match &parsed {
                    Ok(target) => target.authority().to_owned(),
                    Err(_) => webhook.url,
                };
                targets.insert((environment, host), parsed);
            }
        }
        let mut found = Vec::with_capacity(targets.len());
        let targets: Vec<_> = targets.into_iter().collect();
        for some in targets.chunks(LOOK_UPS_AT_ONCE) {
            let judged: Vec<_> = std::thread::scope(|scope| {
                let running: Vec<_> = some
                    .iter()
                    .map(|((environment, host), parsed)| {
                        let judge = move || match parsed {
                            Ok(target) => self.guard.probe(target, LOOK_UP_TIMEOUT).err(),
                            Err(refused) => Some(refused.clone()),
                        };
                        (environment, host, scope.spawn(judge))
                    })
                    .collect();
                running
                    .into_iter()
                    .map(|(environment, host, judge)| Receiver {
                        environment: *environment,
                        host: host.clone(),
                        // A look-up that panicked has judged nothing.
                        refused: judge.join().unwrap_or(Some(Refused::Form)),
                    })
                    .collect()
            });
            found.extend(judged);
        }
        Ok(found)
    }
}
