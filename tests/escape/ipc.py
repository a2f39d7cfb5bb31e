"""Ways between processes that no file permission guards."""

import os

from probe import call, probe

for name, number, arguments, outside in (
    ("shmget", 29, (0x4B41, 4096, 0o1600), "ok"), ("shmat", 30, (-1, 0, 0), "EINVAL"), ("shmctl", 31, (-1, 0, 0), "EINVAL"),
    ("shmdt", 67, (1,), "EINVAL"), ("semget", 64, (0, 1, 0o1600), "ok"), ("semop", 65, (-1, 0, 1), None),
    ("semctl", 66, (-1, 0, 99), "EINVAL"), ("semtimedop", 220, (-1, 0, 1, 0), None), ("msgget", 68, (0, 0o1600), "ok"),
    ("msgsnd", 69, (-1, 0, 0, 0), None), ("msgrcv", 70, (-1, 0, 0, 0, 0), None), ("msgctl", 71, (-1, 99, 0), "EINVAL"),
    ("mq_open", 240, (b"x", 0o102, 0o600, 0), None), ("mq_unlink", 241, (b"x",), None), ("mq_notify", 244, (-1, 0), None),
    ("mq_timedsend", 242, (-1, 0, 0, 0, 0), None), ("mq_timedreceive", 243, (-1, 0, 0, 0, 0), None),
):
    # Those that would make something stay outside are tried inside alone.
    control = outside if name not in ("shmget", "semget", "msgget") else None
    probe(name, "EPERM", lambda n=number, a=arguments: call(n, *a), control)


def pipe():
    read, write = os.pipe()
    os.write(write, b"x")
    os.read(read, 1)


def shared_memory():
    from multiprocessing import shared_memory as shm
    block = shm.SharedMemory(create=True, size=4096)
    block.close()
    block.unlink()


probe("pipe", "ok", pipe, "ok")
probe("shared memory within", "ok", shared_memory, "ok")
