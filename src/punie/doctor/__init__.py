"""What this machine has, judged line by line before anyone waits for it.

machine         everything the checks look at, read once
compute         what MLX computes with, asked in a child (`compute_worker`)
packages        installed versions beside the ranges that the packages' own metadata ask for
hub             whether the hub of models answers
power           what macOS does with sleep, display and battery
finding         one judged line
checks          the table of checks: pure functions of the machine
"""
