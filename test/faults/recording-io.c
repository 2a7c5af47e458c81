/*
 * Writes down what a process does to the files below BATON_IO_FOLDER, and what it says on its standard output, in the
 * order it happens, to the file BATON_IO_LOG: a line `op path offset length`, then the bytes of a write.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_fd = -1;

static int logging(void) {
  if (log_fd == -1) {
    const char *path = getenv("BATON_IO_LOG");
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    log_fd = path == NULL ? -2 : real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  return log_fd >= 0;
}

static const char *path_of(int fd, char *path, size_t size) {
  char link[64];
  const char *folder = getenv("BATON_IO_FOLDER");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, size - 1);
  if (n <= 0 || folder == NULL) return NULL;
  path[n] = 0;
  if ((size_t)n + 1 == strlen(folder) && strncmp(path, folder, n) == 0) return ".";
  return strncmp(path, folder, strlen(folder)) == 0 ? path + strlen(folder) : NULL;
}

static void note(const char *op, const char *path, long long offset, const void *bytes, size_t n) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  char head[4200];
  int length = snprintf(head, sizeof head, "%s %s %lld %zu\n", op, path, offset, n);
  char *all = malloc(length + n);
  memcpy(all, head, length);
  if (bytes != NULL) memcpy(all + length, bytes, n);
  if (real(log_fd, all, length + (bytes == NULL ? 0 : n)) < 0) abort();
  free(all);
}

ssize_t write(int fd, const void *bytes, size_t n) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  char buffer[4096];
  ssize_t done = real(fd, bytes, n);
  if (fd != log_fd && done > 0 && logging()) {
    const char *path = path_of(fd, buffer, sizeof buffer);
    if (fd == 1) note("say", "-", 0, bytes, done);
    else if (path != NULL) note("write", path, lseek(fd, 0, SEEK_CUR) - done, bytes, done);
  }
  return done;
}

static ssize_t at(const char *name, int fd, const void *bytes, size_t n, off_t offset) {
  ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, name);
  char buffer[4096];
  ssize_t done = real(fd, bytes, n, offset);
  if (done > 0 && logging()) {
    const char *path = path_of(fd, buffer, sizeof buffer);
    if (path != NULL) note("write", path, offset, bytes, done);
  }
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset) { return at("pwrite", fd, bytes, n, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t offset) { return at("pwrite64", fd, bytes, n, offset); }

static int changed(const char *name, const char *op, int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, name);
  char buffer[4096];
  int done = real(fd);
  if (done == 0 && logging()) {
    const char *path = path_of(fd, buffer, sizeof buffer);
    if (path != NULL) note(op, path, 0, NULL, 0);
  }
  return done;
}
int fsync(int fd) { return changed("fsync", "sync", fd); }
int fdatasync(int fd) { return changed("fdatasync", "sync", fd); }

static int cut(const char *name, int fd, off_t size) {
  int (*real)(int, off_t) = dlsym(RTLD_NEXT, name);
  char buffer[4096];
  int done = real(fd, size);
  if (done == 0 && logging()) {
    const char *path = path_of(fd, buffer, sizeof buffer);
    if (path != NULL) note("cut", path, size, NULL, 0);
  }
  return done;
}
int ftruncate(int fd, off_t size) { return cut("ftruncate", fd, size); }
int ftruncate64(int fd, off_t size) { return cut("ftruncate64", fd, size); }

int unlink(const char *path) {
  int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");
  const char *folder = getenv("BATON_IO_FOLDER");
  int done = real(path);
  if (done == 0 && folder != NULL && strncmp(path, folder, strlen(folder)) == 0 && logging()) {
    note("remove", path + strlen(folder), 0, NULL, 0);
  }
  return done;
}
