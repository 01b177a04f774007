/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a file that the program is told to write may be. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../user/output/new_file.h"

static char directory[] = "/tmp/tcpscope-file-XXXXXX";
static char path[64], other[64];

static void make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/new", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
}

static void remove_directory(void)
{
	unlink(path);
	unlink(other);
	rmdir(directory);
}

TestSuite(new_file, .init = make_directory, .fini = remove_directory);

static void write_other(const char *text)
{
	FILE *to = fopen(other, "w");

	cr_assert_not_null(to);
	fputs(text, to);
	fclose(to);
}

static off_t size_of(const char *name)
{
	struct stat about;

	return stat(name, &about) ? -1 : about.st_size;
}

Test(new_file, is_made_for_its_group_to_read)
{
	struct stat about;
	FILE *to = NULL;

	umask(022);
	cr_assert_eq(new_file_open(path, &to), 0);
	fclose(to);
	cr_assert_eq(stat(path, &about), 0);
	cr_expect_eq(about.st_mode & 07777, 0640, "%o", about.st_mode);
}

Test(new_file, replaces_what_was_in_it)
{
	FILE *to = NULL;

	write_other("something long");
	cr_assert_eq(new_file_open(other, &to), 0);
	fputs("short", to);
	fclose(to);
	cr_expect_eq(size_of(other), 5);
}

Test(new_file, follows_no_link)
{
	FILE *to = NULL;

	write_other("kept");
	cr_assert_eq(symlink(other, path), 0);
	cr_expect_eq(new_file_open(path, &to), -ELOOP);
	cr_expect_null(to);
	cr_expect_eq(size_of(other), 4);
}

Test(new_file, leaves_a_file_of_two_names_alone)
{
	FILE *to = NULL;

	write_other("kept");
	cr_assert_eq(link(other, path), 0);
	cr_expect_eq(new_file_open(path, &to), -EMLINK);
	cr_expect_null(to);
	cr_expect_eq(size_of(other), 4);
}

Test(new_file, says_what_the_system_says)
{
	FILE *to = NULL;

	cr_expect_eq(new_file_open("/nonexistent/file", &to), -ENOENT);
	cr_expect_null(to);
}
