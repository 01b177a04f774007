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

/* other -> the directory itself: other/new is new. */
static int open_through_link(uid_t owner)
{
	char through[80];
	FILE *to = NULL;
	int err;

	cr_assert_eq(symlink(directory, other), 0);
	if (owner != geteuid())
		cr_assert_eq(lchown(other, owner, 0), 0);
	snprintf(through, sizeof(through), "%s/../%s/new", other, strrchr(directory, '/') + 1);
	err = new_file_open(through, &to);
	cr_expect_eq(!err, to != NULL);
	if (to)
		fclose(to);
	return err;
}

Test(new_file, goes_by_ones_own_links)
{
	cr_expect_eq(open_through_link(geteuid()), 0);
	cr_expect_eq(size_of(path), 0);
}

Test(new_file, goes_by_no_link_of_anothers)
{
	enum { NOBODY = 65534 };

	if (geteuid() != 0)
		cr_skip_test("only root can make a link of another's");
	cr_expect_eq(open_through_link(NOBODY), -ELOOP);
	cr_expect_eq(size_of(path), -1);
}

Test(new_file, does_not_go_round)
{
	char through[80];
	FILE *to = NULL;

	cr_assert_eq(symlink("other", other), 0);
	snprintf(through, sizeof(through), "%s/new", other);
	cr_expect_eq(new_file_open(through, &to), -ELOOP);
}

Test(new_file, may_be_named_from_here)
{
	FILE *to = NULL;

	cr_assert_eq(chdir(directory), 0);
	cr_assert_eq(new_file_open("new", &to), 0);
	fclose(to);
	cr_assert_eq(new_file_open("./../..//..////nonexistent/new", &to), -ENOENT);
	cr_expect_eq(new_file_open("", &to), -ENOENT);
	cr_expect_eq(new_file_open("/", &to), -ENOENT);
	cr_expect_eq(new_file_open("../", &to), -ENOENT);
	cr_expect_eq(new_file_open("new/new", &to), -ENOTDIR);
	cr_expect_eq(size_of(path), 0);
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
