"""Which system calls a candidate may make, with their numbers on both machines.

Everything that is not here is refused: sockets, new processes, other programs, other processes, links, permissions,
mounts, keys, io_uring, bpf, namespaces, and whatever later kernels add. The numbers are those of Linux's
`asm/unistd_64.h` (x86_64) and `asm-generic/unistd.h` (aarch64); a dash is a call that a machine does not have.
"""

from __future__ import annotations

ALWAYS = """
read 0 63, write 1 64, pread64 17 67, pwrite64 18 68, readv 19 65, writev 20 66, lseek 8 62, close 3 57,
close_range 436 436, dup 32 23, dup2 33 -, dup3 292 24, flock 73 32, fsync 74 82, fdatasync 75 83,
ftruncate 77 46, fallocate 285 47, fadvise64 221 223, copy_file_range 326 285, sendfile 40 71, pipe 22 -,
pipe2 293 59, open 2 -, openat 257 56, creat 85 -, stat 4 -, fstat 5 80, lstat 6 -, newfstatat 262 79,
statx 332 291, statfs 137 43, fstatfs 138 44, access 21 -, faccessat 269 48, faccessat2 439 439, readlink 89 -,
readlinkat 267 78, getdents 78 -, getdents64 217 61, getcwd 79 17, chdir 80 49, fchdir 81 50, mkdir 83 -,
mkdirat 258 34, rmdir 84 -, unlink 87 -, unlinkat 263 35, rename 82 -, renameat 264 38, renameat2 316 276,
umask 95 166, mmap 9 222, munmap 11 215, mremap 25 216, mprotect 10 226, madvise 28 233, msync 26 227,
mincore 27 232, brk 12 214, futex 202 98, set_robust_list 273 99, get_robust_list 274 100, rseq 334 293,
set_tid_address 218 96, arch_prctl 158 -, membarrier 324 283, sched_yield 24 124, sched_getaffinity 204 123,
sched_getparam 143 121, sched_getscheduler 145 120, getcpu 309 168, rt_sigaction 13 134, rt_sigprocmask 14 135,
rt_sigreturn 15 139, rt_sigpending 127 136, rt_sigsuspend 130 133, rt_sigtimedwait 128 137,
sigaltstack 131 132, restart_syscall 219 128, pause 34 -, alarm 37 -, setitimer 38 103, getitimer 36 102,
clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101, gettimeofday 96 169,
time 201 -, times 100 153, getrusage 98 165, sysinfo 99 179, uname 63 160, getpid 39 172, getppid 110 173,
gettid 186 178, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177, getresuid 118 148,
getresgid 120 150, getgroups 115 158, getpgrp 111 -, getrlimit 97 163, getpriority 140 141, capget 125 90,
getrandom 318 278, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -,
epoll_create1 291 20, epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441,
eventfd 284 -, eventfd2 290 19, timerfd_create 283 85, timerfd_settime 286 86, timerfd_gettime 287 87,
wait4 61 260, waitid 247 95, exit 60 93, exit_group 231 94, recvfrom 45 207, shutdown 48 210,
getsockopt 55 209, setsockopt 54 208, getsockname 51 204, getpeername 52 205
"""
"""Calls that reach nothing beyond this process, or whose paths Landlock looks after."""

WITH_ARGUMENTS = """
fcntl 72 25, kill 62 129, tgkill 234 131, clone 56 220, clone3 435 435,
prctl 157 167, ioctl 16 29, prlimit64 302 261, socketpair 53 199, sendto 44 206
"""
"""Calls that are allowed with some arguments only: `punie.sandbox.seccomp` says with which."""

MACHINES = ("x86_64", "aarch64")
"""In the order of the columns."""


def numbers(table: str, machine: str) -> dict[str, int]:
    """The numbers of one machine by the name of the call. Raises ValueError for a machine that is not in the table."""
    column = 1 + MACHINES.index(machine)
    rows = [row.split() for row in table.split(",")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}
