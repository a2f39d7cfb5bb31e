/*
 * A static program that starts as Go's runtime does: hundreds of GiB reserved with PROT_NONE, threads
 * by a bare clone(2) on stacks of their own, futex(2), epoll(7), signals on an alternate stack.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS 8
#define CHECK(what) do { if (!(what)) { fprintf(stderr, "%s: errno %d\n", #what, errno); exit(1); } } while (0)

static int waiting, done;

static long futex(int *word, int op, int value) { return syscall(SYS_futex, word, op, value, 0, 0, 0); }

static int thread(void *argument)
{
    (void)argument;
    while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) == 0)
        futex(&waiting, FUTEX_WAIT_PRIVATE, 0);
    __atomic_add_fetch(&done, 1, __ATOMIC_RELEASE);
    futex(&done, FUTEX_WAKE_PRIVATE, 1);
    syscall(SYS_exit, 0);
    return 0;
}

static void on_signal(int number) { (void)number; }

int main(void)
{
    size_t reserved = 512UL << 30;
    char *arena = mmap(0, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(arena != MAP_FAILED);
    CHECK(mmap(arena + (64UL << 30), 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
    arena[64UL << 30] = 1;
    CHECK(madvise(arena + (64UL << 30), 64 << 20, MADV_DONTNEED) == 0);

    stack_t alternate = { .ss_sp = malloc(65536), .ss_size = 65536 };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART };
    CHECK(sigaltstack(&alternate, 0) == 0 && sigaction(SIGURG, &action, 0) == 0);
    CHECK(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGURG) == 0);

    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD;
    for (int n = 0; n < THREADS; n++) {
        char *stack = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        CHECK(stack != MAP_FAILED && clone(thread, stack + 65536, flags, 0) > 0);
    }
    __atomic_store_n(&waiting, 1, __ATOMIC_RELEASE);
    futex(&waiting, FUTEX_WAKE_PRIVATE, THREADS);
    for (int n; (n = __atomic_load_n(&done, __ATOMIC_ACQUIRE)) < THREADS;)
        futex(&done, FUTEX_WAIT_PRIVATE, n);

    int poll = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event ready = { .events = EPOLLIN | EPOLLET };
    CHECK(poll >= 0 && event >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, event, &ready) == 0);
    CHECK(write(event, &(long){ 1 }, 8) == 8 && epoll_wait(poll, &ready, 1, -1) == 1);
    printf("%d threads\n", done);
    return 0;
}
