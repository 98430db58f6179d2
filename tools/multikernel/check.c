// SPDX-License-Identifier: GPL-2.0
/*
 * check: is this machine fit, and this kernel?
 *
 * One line for each thing that has to be there, what is missing, and what to
 * do about it. Nothing is changed, and nothing has to be mounted. Only what is
 * "missing" keeps instances from running; a "warning" may.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"
#include "mk_uapi.h"

#ifndef AF_VSOCK
#define AF_VSOCK	40
#endif

#define SAY_LIKE_PRINTF	__format__(__printf__, 4, 5)

/* What klogctl() is asked for */
#define SYSLOG_READ_ALL	3
#define SYSLOG_SIZE	10

/* A kernel with an initramfs of its own does not fit into less */
#define MEMORY_LEAST	(128ULL << 20)

enum verdict { OK, NOTE, WARNING, MISSING };

static const char * const verdicts[] = { "ok", "note", "warning", "missing" };

struct result {
	enum verdict verdict;
	char text[256];
	const char *hint;	/* what to do, or NULL */
};

struct check {
	const char *name;
	void (*run)(struct result *r);
};

static void __attribute__((SAY_LIKE_PRINTF))
say(struct result *r, enum verdict what, const char *hint, const char *fmt, ...)
{
	va_list args;

	r->verdict = what;
	r->hint = hint;
	va_start(args, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, args);
	va_end(args);
}

/* Whether @text has @word between white space. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	const char *at = text;

	while (at && (at = strstr(at, word))) {
		if ((at == text || strchr(" \t\n", at[-1])) && strchr(" \t\n", at[len]))
			return true;
		at += len;
	}
	return false;
}

static bool kernel_knows(void)
{
	char *text = mk_sysfs_proc("filesystems");
	bool knows = has_word(text, "multikernel");

	free(text);
	return knows;
}

/* In an instance the host is a peer. */
static bool host_is_peer(void)
{
	char *text = mk_sysfs_read("kernel/debug/multikernel/peers");
	bool is = text && (!strncmp(text, "host ", 5) || strstr(text, "\nhost "));

	free(text);
	return is;
}

/* Whether the log has "multikernel: instance NAME, id ...", as one says of itself. */
static bool log_says_instance(void)
{
	static const char begin[] = "multikernel: instance ";
	int size = klogctl(SYSLOG_SIZE, NULL, 0), len;
	char *log = size > 0 ? malloc(size + 1) : NULL, *at = log;
	bool says = false;

	if (!log)
		return false;
	len = klogctl(SYSLOG_READ_ALL, log, size);
	log[len > 0 ? len : 0] = '\0';
	while (!says && (at = strstr(at, begin))) {
		at += strlen(begin);
		says = !strncmp(at + strcspn(at, ",\n"), ", id ", 5);
	}
	free(log);
	return says;
}

/* No file of a kernel without debugfs tells; a host has the filesystem. */
static bool is_instance(void)
{
	return !kernel_knows() && (host_is_peer() || log_says_instance());
}

static void check_role(struct result *r)
{
	if (is_instance())
		say(r, MISSING, "Run it in the host: one machine has one host.",
		    "this kernel is an instance itself");
	else
		say(r, OK, NULL, "this kernel is no instance");
}

static void check_kernel(struct result *r)
{
	if (kernel_knows())
		say(r, OK, NULL, "this kernel has multikernel");
	else if (mk_sysfs_exists("module/multikernel"))
		say(r, MISSING, "The log says why not: dmesg | grep multikernel:",
		    "this kernel has multikernel, and does not offer it on this machine");
	else
		say(r, MISSING,
		    "Boot a kernel that is built with CONFIG_MULTIKERNEL=y.",
		    "no multikernel in /proc/filesystems");
}

static void check_mount(struct result *r)
{
	if (!mk_file_find())
		say(r, OK, NULL, "mounted on %s", mk_file_root());
	else if (kernel_knows())
		say(r, MISSING, "Run: mount -t multikernel none " MK_ROOT,
		    "nothing is mounted on %s", mk_file_root());
	else
		say(r, MISSING, "It takes such a kernel first.",
		    "nothing is mounted on %s", mk_file_root());
}

static bool has_capability(int which)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { };

	if (syscall(SYS_capget, &header, data))
		return !geteuid();
	return data[CAP_TO_INDEX(which)].effective & CAP_TO_MASK(which);
}

static void check_root(struct result *r)
{
	if (geteuid())
		say(r, MISSING, "Run mkctl as root.", "user id %u is not root",
		    geteuid());
	else if (!has_capability(CAP_SYS_BOOT))
		say(r, MISSING, "Run mkctl outside the container.",
		    "root here has no CAP_SYS_BOOT");
	else
		say(r, OK, NULL, "root, with CAP_SYS_BOOT");
}

static void check_processor(struct result *r)
{
	static const char * const flags[] = { "apic", "tsc", "nx" };
	char *text = mk_sysfs_proc("cpuinfo"), *end;
	const char *line = text ? strstr(text, "flags\t") : NULL;
	const char *missing = NULL;
	size_t i;

	if (line) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
	}
	for (i = 0; line && i < ARRAY_SIZE(flags) && !missing; i++)
		if (!has_word(line, flags[i]))
			missing = flags[i];
	if (!line)
		say(r, MISSING, "It takes an x86-64 machine.",
		    "/proc/cpuinfo lists no flags of x86");
	else if (missing)
		say(r, MISSING,
		    "It takes a local APIC, a TSC and NX; look at the firmware's setup.",
		    "the CPUs lack %s", missing);
	else
		say(r, OK, NULL, "x86 with local APIC, TSC and NX");
	free(text);
}

static void check_hypervisor(struct result *r)
{
	char *text = mk_sysfs_proc("cpuinfo");

	if (has_word(text, "hypervisor"))
		say(r, NOTE, NULL,
		    "under a hypervisor: works, and is slow where it emulates the CPU (QEMU without KVM)");
	else
		say(r, OK, NULL, "no hypervisor");
	free(text);
}

static unsigned int count_list(char *list)
{
	bool *has = calloc(MK_MACHINE_CPUS, sizeof(*has));
	unsigned int i, n = 0;

	if (!has)
		mk_error_out_of_memory();
	if (list)
		mk_text_list(list, has, MK_MACHINE_CPUS);
	for (i = 0; i < MK_MACHINE_CPUS; i++)
		n += has[i];
	free(list);
	free(has);
	return n;
}

/* CPU 0 stays where it is; the others have a file by which they go. */
static void check_hotplug(struct result *r)
{
	unsigned int *cpus, can = 0;
	size_t i, n = mk_sysfs_numbers("devices/system/cpu", "cpu", &cpus);

	for (i = 0; i < n; i++)
		if (cpus[i] && mk_sysfs_exists("devices/system/cpu/cpu%u/online", cpus[i]))
			can++;
	free(cpus);
	if (can > 1)
		say(r, OK, NULL, "%u CPUs can go offline", can);
	else if (can)
		say(r, WARNING, "A machine with more CPUs has room for more.",
		    "1 CPU can go offline: enough for one instance with one CPU");
	else
		say(r, MISSING, "It takes a second CPU, and CONFIG_HOTPLUG_CPU=y.",
		    "no CPU can go offline");
}

static void check_cpus(struct result *r)
{
	char *keep = mk_file_word(NULL, "pool/keep_cpus");
	char *list = mk_file_word(NULL, "pool/cpus");
	unsigned int n = count_list(mk_file_word(NULL, "pool/cpus"));

	if (!list)
		say(r, NOTE, NULL, "unknown, as nothing is mounted");
	else if (n)
		say(r, OK, NULL, "the host could give CPU%s %.100s", n == 1 ? "" : "s", list);
	else
		say(r, WARNING,
		    "Remove an instance (mkctl ps), or keep fewer in pool/keep_cpus.",
		    "the host has no CPU to give: lent, offline or kept (%.100s)",
		    keep && *keep ? keep : "none");
	free(list);
	free(keep);
}

static void check_memory(struct result *r)
{
	char *word = mk_file_word(NULL, "pool/memory"), *info = mk_sysfs_proc("meminfo");
	unsigned long long bytes;
	char size[32];

	bytes = word ? mk_text_bytes(word) : mk_sysfs_meminfo(info, "MemAvailable:");
	mk_text_short(size, sizeof(size), bytes);
	if (bytes >= MEMORY_LEAST)
		say(r, OK, NULL, word ? "the host could give %s" : "%s are available", size);
	else
		say(r, WARNING,
		    "Free memory, remove an instance, or keep less in pool/keep_memory.",
		    "the host could give only %s", size);
	free(word);
	free(info);
}

/*
 * Whether the system call is there. Asked with flags that do not exist, for it
 * to do nothing; not where calls are counted, because this would be one. Those
 * for a crash kernel are counted by themselves.
 */
static bool call_missing(void)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL,
		       ~(unsigned long)KEXEC_FILE_ON_CRASH) < 0 &&
	       errno != EINVAL && errno != EPERM;
}

static bool no_disable(void)
{
	char *disabled = mk_sysfs_proc("sys/kernel/kexec_load_disabled");
	bool none = !disabled;

	free(disabled);
	return none;
}

static void check_kexec(struct result *r)
{
	char *disabled = mk_sysfs_proc("sys/kernel/kexec_load_disabled");
	char *limit = mk_sysfs_proc("sys/kernel/kexec_load_limit_reboot");
	long left = limit ? strtol(limit, NULL, 10) : -1;

	if (disabled && strcmp(disabled, "0"))
		say(r, MISSING, "Only a reboot lifts it; look who sets it in /etc/sysctl.d.",
		    "kernel.kexec_load_disabled is %.32s: no image can be loaded", disabled);
	else if (!left)
		say(r, MISSING, "Only a reboot lifts it; look who sets it in /etc/sysctl.d.",
		    "kernel.kexec_load_limit_reboot is 0: no image can be loaded");
	else if (left > 0)
		say(r, WARNING,
		    "What is loaded can be started again; only a reboot lifts the limit.",
		    "kernel.kexec_load_limit_reboot allows %ld more image%s", left,
		    left == 1 ? "" : "s");
	else if (no_disable() || call_missing())
		say(r, MISSING, "Boot a kernel built with CONFIG_KEXEC_FILE=y.",
		    "there is no kexec_file_load()");
	else
		say(r, OK, NULL, "kexec_file_load() can load images");
	free(disabled);
	free(limit);
}

static void check_lockdown(struct result *r)
{
	char *text = mk_sysfs_read("kernel/security/lockdown");

	if (!text)
		say(r, OK, NULL, "this kernel has no lockdown");
	else if (strstr(text, "[confidentiality]"))
		say(r, WARNING, "Sign the kernels of instances; 'mkctl dump' will not work.",
		    "confidentiality: images must be signed by a key that this kernel trusts");
	else if (strstr(text, "[integrity]"))
		say(r, WARNING, "Sign the kernels of instances.",
		    "integrity: images must be signed by a key that this kernel trusts");
	else
		say(r, OK, NULL, "not locked down");
	free(text);
}

static void check_vsock(struct result *r)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		say(r, OK, NULL, "there are sockets of AF_VSOCK");
	else
		say(r, WARNING,
		    "'mkctl exec' and 'mkctl cp' need it: CONFIG_MULTIKERNEL_VSOCKETS",
		    "no sockets of AF_VSOCK: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void check_clock(struct result *r)
{
	static const char dir[] = "devices/system/clocksource/clocksource0";
	char *now = mk_sysfs_read("%s/current_clocksource", dir);
	char *all = mk_sysfs_read("%s/available_clocksource", dir);

	if (now && !strcmp(now, "tsc"))
		say(r, OK, NULL, "the clock is the TSC");
	else if (has_word(all, "tsc"))
		say(r, NOTE, NULL,
		    "the clock is %.32s; instances go by the TSC, which is fine here",
		    now ? now : "unknown");
	else
		say(r, WARNING, "See what the log says of it: dmesg | grep -i tsc",
		    "the clock is %.32s; instances go by the TSC, which this kernel does not trust",
		    now ? now : "unknown");
	free(now);
	free(all);
}

static void check_quarantine(struct result *r)
{
	char *text = mk_file_word(NULL, "pool/quarantine");

	if (text && *text)
		say(r, WARNING, "Only a reset of the machine brings it back: mkctl map",
		    "something is lost: it could not be proven free");
	else
		say(r, OK, NULL, text ? "nothing is lost" : "unknown, as nothing is mounted");
	if (!text)
		r->verdict = NOTE;
	free(text);
}

static const struct check checks[] = {
	{ "root", check_root },
	{ "role", check_role },
	{ "kernel", check_kernel },
	{ "mount", check_mount },
	{ "processor", check_processor },
	{ "hotplug", check_hotplug },
	{ "cpus", check_cpus },
	{ "memory", check_memory },
	{ "quarantine", check_quarantine },
	{ "kexec", check_kexec },
	{ "lockdown", check_lockdown },
	{ "vsock", check_vsock },
	{ "clock", check_clock },
	{ "hypervisor", check_hypervisor },
};

static void print(const struct result *results, bool fit)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		const struct result *r = &results[i];

		printf("%-7s  %-10s  %s", verdicts[r->verdict], checks[i].name, r->text);
		if (r->hint)
			printf(". %s", r->hint);
		putchar('\n');
	}
	puts(fit ? "This machine is fit for instances." :
		   "This machine is not fit for instances: see what is missing.");
}

static void print_json(const struct result *results, bool fit)
{
	struct mk_json json = { .out = stdout };
	size_t i;

	mk_text_json_open(&json, NULL, '{');
	mk_text_json_bool(&json, "fit", fit);
	mk_text_json_open(&json, "checks", '[');
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		mk_text_json_open(&json, NULL, '{');
		mk_text_json_string(&json, "name", checks[i].name);
		mk_text_json_string(&json, "verdict", verdicts[results[i].verdict]);
		mk_text_json_string(&json, "text", results[i].text);
		mk_text_json_string(&json, "hint", results[i].hint ? results[i].hint : "");
		mk_text_json_close(&json, '}');
	}
	mk_text_json_close(&json, ']');
	mk_text_json_close(&json, '}');
}

int mk_check(int argc, char **argv)
{
	struct result results[ARRAY_SIZE(checks)] = { };
	bool json = false, fit = true;
	const struct mk_opt opts[] = {
		{ "json", 'j', MK_OPT_FLAG, &json },
		{ }
	};
	size_t i;

	if (mk_opts_parse(argc, argv, opts, NULL, 0, 0))
		return MK_USAGE;
	/* Looked at before the first check asks for files */
	mk_file_find();
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		checks[i].run(&results[i]);
		if (results[i].verdict == MISSING)
			fit = false;
	}
	if (json)
		print_json(results, fit);
	else
		print(results, fit);
	return fit ? MK_OK : MK_FAILED;
}
