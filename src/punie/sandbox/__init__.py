"""Run code nobody trusts: the judge outside, the candidate inside a jail.

    judge       asks a candidate for results, and reads plain data
    pool        keeps warm workers; each starts one fresh process per candidate
    worker      that parent of candidates: starts, watches and ends them
    candidate   limits itself, enters the jail, runs the source
    linux       Landlock (`landlock`) and seccomp (`seccomp`, `syscalls`)
    macos       a Seatbelt profile, and the memory watcher that macOS needs
    removal     what a candidate left, however deep or locked, is removed
    jail        whether a jail can be had here, found out by running hostile code in it
    program     asserts and check programs, taken apart (`asserts`) so that expected values stay outside

What it does not protect from is said in `punie.sandbox.judge`.
"""
