/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Libraries that are loaded when they are first needed. Linking to libarchive maps twelve more
 * libraries at each start (libxml2, ICU, …); many commands never read an archive, and the dynamic
 * linker's work would be the larger part of their time.
 *
 * This header brings the libraries' own headers. Their functions are called with "sym_" in front,
 * after the library was loaded with success: before that the pointers are NULL. What calls one loads
 * first; loading again costs nothing. A process that will chroot loads before it does. A function
 * that is not in the lists is to be added there; that is all it takes.
 *
 * The program carries a note for packagers (https://systemd.io/ELF_DLOPEN_METADATA/): the libraries
 * are needed as if it were linked to them, libedit excepted.
 */

#include "base/error.h"

#include <archive.h>
#include <archive_entry.h>
#include <histedit.h>
#include <libkmod.h>
#include <openssl/evp.h>

#define VIV_LIBARCHIVE(symbol)                                                                     \
	symbol(archive_entry_clear) symbol(archive_entry_copy_pathname)                            \
	symbol(archive_entry_copy_symlink) symbol(archive_entry_filetype)                          \
	symbol(archive_entry_free) symbol(archive_entry_gid)                 \
	symbol(archive_entry_hardlink) symbol(archive_entry_mtime)      \
	symbol(archive_entry_new) symbol(archive_entry_pathname) symbol(archive_entry_perm)        \
	symbol(archive_entry_set_ino64) symbol(archive_entry_set_mode)                             \
	symbol(archive_entry_set_mtime) symbol(archive_entry_set_nlink)                            \
	symbol(archive_entry_set_pathname) symbol(archive_entry_set_rdev)                          \
	symbol(archive_entry_set_size) symbol(archive_entry_size)                                  \
	symbol(archive_entry_sparse_count)                                                         \
	symbol(archive_entry_symlink) symbol(archive_entry_uid)            \
	symbol(archive_entry_unset_mtime) symbol(archive_errno)      \
	symbol(archive_error_string) symbol(archive_filter_code) symbol(archive_read_data)         \
	symbol(archive_read_data_block) symbol(archive_read_extract2) symbol(archive_read_free)    \
	symbol(archive_read_new) symbol(archive_read_next_header) symbol(archive_read_open)        \
	symbol(archive_read_open_fd) symbol(archive_read_open_filename)                            \
	symbol(archive_read_open_memory) symbol(archive_read_support_filter_bzip2)                 \
	symbol(archive_read_support_filter_gzip) symbol(archive_read_support_filter_lz4)           \
	symbol(archive_read_support_filter_lzma) symbol(archive_read_support_filter_xz)            \
	symbol(archive_read_support_filter_zstd) symbol(archive_read_support_format_ar)            \
	symbol(archive_read_support_format_raw) symbol(archive_read_support_format_tar)            \
	symbol(archive_set_error) symbol(archive_write_close) symbol(archive_write_data)           \
	symbol(archive_write_disk_new) symbol(archive_write_disk_set_options)                      \
	symbol(archive_write_free) symbol(archive_write_header) symbol(archive_write_new)          \
	symbol(archive_write_open) symbol(archive_write_set_bytes_in_last_block)                   \
	symbol(archive_write_set_bytes_per_block) symbol(archive_write_set_format_cpio_newc)       \
	symbol(archive_write_set_format_gnutar)

#define VIV_LIBKMOD(symbol)                                                                        \
	symbol(kmod_list_next) symbol(kmod_load_resources) symbol(kmod_module_get_dependencies)    \
	symbol(kmod_module_get_info) symbol(kmod_module_get_module) symbol(kmod_module_get_name)   \
	symbol(kmod_module_get_path) symbol(kmod_module_get_softdeps)                              \
	symbol(kmod_module_info_free_list) symbol(kmod_module_info_get_key)                        \
	symbol(kmod_module_info_get_value) symbol(kmod_module_new_from_lookup)                     \
	symbol(kmod_module_new_from_path) symbol(kmod_module_unref)                                \
	symbol(kmod_module_unref_list) symbol(kmod_new) symbol(kmod_set_log_fn) symbol(kmod_unref)

#define VIV_LIBCRYPTO(symbol)                                                                      \
	symbol(EVP_DigestFinal_ex) symbol(EVP_DigestInit_ex) symbol(EVP_DigestUpdate)              \
	symbol(EVP_MD_CTX_free) symbol(EVP_MD_CTX_new) symbol(EVP_sha1) symbol(EVP_sha256)

#define VIV_LIBEDIT(symbol)                                                                        \
	symbol(el_end) symbol(el_gets) symbol(el_init) symbol(el_insertstr) symbol(el_line)        \
	symbol(el_get) symbol(el_set) symbol(history) symbol(history_end) symbol(history_init)

#define VIV_DL_DECLARE(name) extern __typeof__(&name) sym_##name;
VIV_LIBARCHIVE(VIV_DL_DECLARE)
VIV_LIBKMOD(VIV_DL_DECLARE)
VIV_LIBCRYPTO(VIV_DL_DECLARE)
VIV_LIBEDIT(VIV_DL_DECLARE)

/* From any thread. ELIBACC: the library is not there, or lacks a function; the message says which. */
int viv_dl_libarchive(struct viv_error *err);
int viv_dl_libkmod(struct viv_error *err);
int viv_dl_libcrypto(struct viv_error *err);
/* Without it lines are read as they come: whoever needs it does without. */
int viv_dl_libedit(struct viv_error *err);
