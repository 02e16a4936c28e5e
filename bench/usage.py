"""Reads from Linux what a process has used."""

import os
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Returns the seconds of processor time that all threads of the process have used, in the program and in the system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # its name may have spaces
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def most_resident(pid: int) -> float:
    """Returns the most memory that the process has had at once, in MB."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
