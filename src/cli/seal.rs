//! `paraph seal IN.pdf -o OUT.pdf`

use super::appliance::{open, told};
use super::{Context, Exit};
use crate::app::Error;
use crate::domain::environment::Environment;
use crate::domain::origin::Origin;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The PDF to seal; it is left as it is
    #[arg(value_name = "IN.pdf")]
    original: PathBuf,
    /// Where the sealed file goes; an existing file is not overwritten
    #[arg(short, long, value_name = "OUT.pdf")]
    out: PathBuf,
    /// Seal with the test seal; every page says so
    #[arg(long)]
    test: bool,
    /// Also write the root certificate that a reader must trust, in PEM
    #[arg(long, value_name = "ROOT.pem")]
    root: Option<PathBuf>,
}

pub(super) fn run(context: &mut Context, arguments: &Arguments) -> Exit {
    let original = match File::open(&arguments.original) {
        Ok(file) => file,
        Err(e) => return fail(context, &format!("{}: {e}", arguments.original.display())),
    };
    if arguments.out.exists() {
        let text = format!("{} is there already", arguments.out.display());
        return fail(context, &text);
    }
    let app = match open(context) {
        Ok(app) => app,
        Err(exit) => return exit,
    };
    let environment = if arguments.test {
        Environment::Test
    } else {
        Environment::Live
    };
    // Under another name beside it, so that nobody ever meets half a file under its own.
    let half = Half::new(&arguments.out);
    let sealed = match OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&half.0)
    {
        Ok(file) => file,
        Err(e) => return fail(context, &format!("{}: {e}", half.0.display())),
    };
    let done = match app.seal_file(environment, &original, &sealed, &Origin::operator()) {
        Ok(done) => done,
        Err(Error::Document { code, message }) => {
            if context.out.is_json() {
                let told = serde_json::json!({ "error": message, "code": code });
                context.out.value(&told);
            } else {
                context.out.failure(&format!("{code}: {message}"));
            }
            return Exit::Failed;
        }
        Err(e) => return fail(context, &told(&e)),
    };
    // A link refuses where a name is taken; a rename would overwrite what came meanwhile.
    if let Err(e) = std::fs::hard_link(&half.0, &arguments.out) {
        return fail(context, &format!("{}: {e}", arguments.out.display()));
    }
    if let Some(path) = &arguments.root {
        let written = app
            .root_pem(environment)
            .map_err(|e| told(&e))
            .and_then(|pem| std::fs::write(path, pem).map_err(|e| e.to_string()));
        if let Err(e) = written {
            return fail(context, &format!("{}: {e}", path.display()));
        }
    }
    if context.out.is_json() {
        context.out.value(&serde_json::json!({
            "file": arguments.out.display().to_string(),
            "environment": environment.as_str(),
            "sha256": done.sealed_sha256.to_string(),
            "originalSha256": done.sha256.to_string(),
            "size": done.length,
            "pages": done.pages,
            "signer": done.signer,
            "certificateSha256": done.certificate_sha256.to_string(),
            "level": "B-B",
        }));
    } else {
        let out = arguments.out.display();
        context.out.line(&format!(
            "{out}: {} pages, sealed by {} (PAdES B-B, no change allowed), SHA-256 {}",
            done.pages, done.signer, done.sealed_sha256
        ));
    }
    Exit::Good
}

fn fail(context: &mut Context, text: &str) -> Exit {
    context.out.failure(text);
    Exit::Failed
}

/// The unfinished file; gone when this goes.
struct Half(PathBuf);

impl Half {
    fn new(out: &Path) -> Self {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        Self(out.with_file_name(name))
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}
