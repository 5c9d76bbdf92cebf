/*
 * Stands between a process and the C library (LD_PRELOAD): a disk that is full or cannot sync, and a clock that
 * jumps. What is to happen stands in a page of memory that is shared with whoever injects the faults, and so does
 * what happened.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct page {
	/* Orders. */
	volatile int64_t clock_offset_millis;
	volatile int64_t room_bytes;   /* how much may still be written; below 0: no limit */
	volatile int64_t syncs_to_go;  /* so many more syncs succeed, then one fails; below 0: all succeed */
	/* Counts. */
	volatile int64_t clock_reads;  /* of a clock that was set off */
	volatile int64_t full;         /* writes that found no room */
	volatile int64_t syncs_failed;
};

static struct page *orders;
static const char *under;
static size_t under_length;

static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
	real_fsync = dlsym(RTLD_NEXT, "fsync");
	real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	real_write = dlsym(RTLD_NEXT, "write");
	real_writev = dlsym(RTLD_NEXT, "writev");
	real_pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
	real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	const char *path = getenv("MESOFLOW_SHIM_PAGE");
	under = getenv("MESOFLOW_SHIM_UNDER");
	if (path == NULL || under == NULL)
		return;
	under_length = strlen(under);
	int file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0) {
		perror("shim: open the page");
		_exit(98);
	}
	void *memory = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	if (memory == MAP_FAILED) {
		perror("shim: map the page");
		_exit(98);
	}
	orders = memory;
}

/* Whether a file lies in the folder whose disk is in trouble. */
static int is_meant(int file)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", file);
	ssize_t length = readlink(link, path, sizeof path - 1);
	if (length < (ssize_t)under_length)
		return 0;
	return memcmp(path, under, under_length) == 0;
}

/* Takes room for `bytes`, as far as there is any; says how much. */
static size_t room(int file, size_t bytes)
{
	if (orders == NULL || orders->room_bytes < 0 || bytes == 0 || !is_meant(file))
		return bytes;
	int64_t left = __atomic_fetch_sub(&orders->room_bytes, (int64_t)bytes, __ATOMIC_SEQ_CST);
	if (left >= (int64_t)bytes)
		return bytes;
	/* Someone may have made room without limit meanwhile: the next write sees it. */
	__atomic_store_n(&orders->room_bytes, 0, __ATOMIC_SEQ_CST);
	if (left > 0)
		return (size_t)left;
	__atomic_fetch_add(&orders->full, 1, __ATOMIC_SEQ_CST);
	return 0;
}

ssize_t write(int file, const void *bytes, size_t count)
{
	size_t taken = room(file, count);
	if (taken == 0 && count > 0) {
		errno = ENOSPC;
		return -1;
	}
	return real_write(file, bytes, taken);
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
	size_t bytes = 0;
	for (int part = 0; part < count; part++)
		bytes += parts[part].iov_len;
	if (room(file, bytes) < bytes) {
		errno = ENOSPC;
		return -1;
	}
	return real_writev(file, parts, count);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
	size_t taken = room(file, count);
	if (taken == 0 && count > 0) {
		errno = ENOSPC;
		return -1;
	}
	return real_pwrite64(file, bytes, taken, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
	return pwrite64(file, bytes, count, at);
}

static int sync_fails(int file)
{
	if (orders == NULL || orders->syncs_to_go < 0 || !is_meant(file))
		return 0;
	if (__atomic_fetch_sub(&orders->syncs_to_go, 1, __ATOMIC_SEQ_CST) != 0)
		return 0;
	__atomic_fetch_add(&orders->syncs_failed, 1, __ATOMIC_SEQ_CST);
	return 1;
}

int fsync(int file)
{
	if (sync_fails(file)) {
		errno = EIO;
		return -1;
	}
	return real_fsync(file);
}

int fdatasync(int file)
{
	if (sync_fails(file)) {
		errno = EIO;
		return -1;
	}
	return real_fdatasync(file);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int code = real_clock_gettime(clock, time);
	if (code == 0 && clock == CLOCK_REALTIME && orders != NULL && orders->clock_offset_millis != 0) {
		int64_t millis = orders->clock_offset_millis;
		int64_t nanos = time->tv_nsec + (millis % 1000) * 1000000;
		time->tv_sec += millis / 1000;
		if (nanos >= 1000000000) {
			nanos -= 1000000000;
			time->tv_sec += 1;
		} else if (nanos < 0) {
			nanos += 1000000000;
			time->tv_sec -= 1;
		}
		time->tv_nsec = nanos;
		__atomic_fetch_add(&orders->clock_reads, 1, __ATOMIC_SEQ_CST);
	}
	return code;
}
