//! What the worker process takes from itself before it looks at a stranger's byte: memory, time, files, system calls.
//!
//! Limits are a must: without them the process refuses to work. Landlock and seccomp are taken where the kernel has them.

use std::io;
use std::path::PathBuf;

use super::protocol::Confinement;
use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// Confines this process for good.
///
/// # Errors
/// A limit could not be set; the caller must not go on.
pub fn confine(memory_bytes_max: u64, cpu_seconds_max: u64, fonts: &[PathBuf]) -> io::Result<()> {
    limit(Resource::As, memory_bytes_max, memory_bytes_max)?;
    // The signal of the soft limit (SIGXCPU) tells the server why; the hard one can't be caught.
    limit(Resource::Cpu, cpu_seconds_max, cpu_seconds_max + 1)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Nofile, 16, 16)?;
    // Kernels without these exist; `probe` tells whether they hold.
    drop(restrict_files(fonts));
    drop(restrict_calls());
    Ok(())
}

/// Tries what a confined process must not be able to do.
pub(crate) fn probe() -> Confinement {
    let opened = std::fs::File::open("/proc/self/status").is_ok()
        || std::fs::File::open("/etc/hostname").is_ok()
        || std::fs::read_dir("/").is_ok();
    let thread = std::thread::Builder::new().spawn(|| ()).is_ok();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").is_ok();
    Confinement {
        files: !opened,
        calls: !thread && !socket,
    }
}

fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    setrlimit(
        resource,
        Rlimit {
            current: Some(soft),
            maximum: Some(hard),
        },
    )
    .map_err(|errno| {
        io::Error::new(
            io::Error::from(errno).kind(),
            format!("the limit {resource:?} can't be set: {errno}"),
        )
    })
}

/// Only `fonts` can be opened, for reading; no port can be bound or reached, as far as the kernel knows how.
fn restrict_files(fonts: &[PathBuf]) -> Result<(), landlock::RulesetError> {
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    for font in fonts {
        // A font that isn't there needs no rule.
        if let Ok(file) = PathFd::new(font) {
            ruleset = ruleset.add_rule(PathBeneath::new(file, AccessFs::ReadFile))?;
        }
    }
    ruleset.restrict_self()?;
    Ok(())
}

/// Everything but reading, writing, memory and ending answers EPERM: no process, no thread, no socket, no signal to others.
fn restrict_calls() -> Result<(), Box<dyn std::error::Error>> {
    let filter = SeccompFilter::new(
        allowed().into_iter().map(|call| (call, vec![])).collect(),
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    Ok(())
}

fn allowed() -> Vec<i64> {
    let calls = vec![
        // Bytes in and out; Landlock says which files.
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_lseek,
        libc::SYS_openat,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_fcntl,
        // Memory.
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        // The runtime: locks, clocks, seeds of hash maps, the number of cores.
        libc::SYS_futex,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_getpid,
        libc::SYS_gettid,
        // Panics, overflows of the stack, the end.
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_tgkill,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    #[cfg(target_arch = "x86_64")]
    let calls = {
        let mut calls = calls;
        calls.extend([libc::SYS_open, libc::SYS_stat]);
        calls
    };
    calls
}
