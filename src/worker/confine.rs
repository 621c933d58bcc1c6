//! What the worker process takes from itself before it looks at a stranger's byte: memory, time, files, system calls.
//!
//! Limits are a must: without them the process refuses to work. Landlock and seccomp are taken where the kernel has them.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::protocol::Confinement;
use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

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
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").is_ok();
    // Nobody need listen there: what counts is who says no.
    let connection = match std::net::TcpStream::connect("127.0.0.1:9") {
        Ok(_) => true,
        Err(error) => error.raw_os_error() != Some(libc::EPERM),
    };
    let program = std::process::Command::new("/proc/self/exe").spawn().is_ok();
    // Without the filter a process may signal its own group. (Its parent's number is not to be had under the filter.)
    let signal = rustix::process::test_kill_current_process_group().is_ok();
    Confinement {
        files: !opened,
        calls: !thread && !datagrams && !connection && !program && !signal,
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
    seccompiler::apply_filter(&filter(std::process::id())?)?;
    Ok(())
}

/// The filter for the process `own`.
fn filter(own: u32) -> Result<BpfProgram, Box<dyn std::error::Error>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        allowed().into_iter().map(|call| (call, vec![])).collect();
    // `abort` signals the process itself; no other may be reached, the server least.
    let own = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(own))?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own])?]);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?;
    Ok(BpfProgram::try_from(filter)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter answers to a call (the instructions of classic BPF that it is made of).
    fn verdict(program: &BpfProgram, call: i64, first: u64) -> u32 {
        // `struct seccomp_data`: number, architecture, instruction pointer, six arguments.
        let architecture: u32 = match std::env::consts::ARCH {
            "x86_64" => 0xC000_003E,
            "aarch64" => 0xC000_00B7,
            other => panic!("no test for {other}"),
        };
        let mut data = Vec::new();
        data.extend((call as u32).to_ne_bytes());
        data.extend(architecture.to_ne_bytes());
        data.extend([0; 8]);
        data.extend(first.to_ne_bytes());
        data.extend([0; 40]);
        let (mut at, mut value) = (0, 0_u32);
        loop {
            let one = &program[at];
            at += 1;
            let jump = |holds: bool| usize::from(if holds { one.jt } else { one.jf });
            match one.code {
                // ld [k]
                0x20 => {
                    let k = one.k as usize;
                    value = u32::from_ne_bytes(data[k..k + 4].try_into().unwrap());
                }
                0x05 => at += one.k as usize,
                0x15 => at += jump(value == one.k),
                0x25 => at += jump(value > one.k),
                0x35 => at += jump(value >= one.k),
                0x54 => value &= one.k,
                0x06 => return one.k,
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    #[test]
    fn a_signal_reaches_the_process_itself_and_no_other() {
        let program = filter(4711).unwrap();
        let allow = libc::SECCOMP_RET_ALLOW;
        let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        assert_eq!(verdict(&program, libc::SYS_tgkill, 4711), allow);
        assert_eq!(verdict(&program, libc::SYS_tgkill, 4712), refuse);
        assert_eq!(verdict(&program, libc::SYS_tgkill, 0), refuse);
        assert_eq!(verdict(&program, libc::SYS_read, 0), allow);
        for call in [
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_socket,
            libc::SYS_execve,
        ] {
            assert_eq!(verdict(&program, call, 4711), refuse, "{call}");
        }
    }
}
