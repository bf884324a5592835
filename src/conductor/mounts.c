/* mounts.c - the read-only mounts a race asks for. */
#include "conductor/mounts.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/host.h"

static int add(const struct conductor *c, const char *asked, struct strv *out, struct err *e)
{
	bool tilde = asked[0] == '~' && (asked[1] == '/' || !asked[1]);

	if (tilde && !c->home)
		return err_set(e, "mount",
			"the mount %s needs HOME, which is not set; write the whole path", asked);
	if (!tilde && asked[0] != '/')
		return err_set(e, "mount",
			"the mount %s is not an absolute path; begin it with / or ~/", asked);
	if (tilde)
		strv_fmt(out, "%s%s", c->home, asked + 1);
	else
		strv_add(out, asked);
	return 0;
}

int mounts_resolve(
	const struct conductor *c, const struct strv *asked, struct strv *out, struct err *e)
{
	bool has_tree = !strcmp(fs_basename(c->store.common), ".git");
	char *top = has_tree ? fs_dirname(c->store.common) : xstrdup(c->store.common);
	int rc = 0;

	for (size_t i = 0; i < asked->n && !rc; i++)
		rc = add(c, asked->v[i], out, e);
	if (!rc && out->n)
		rc = host_check_mounts(out, c->store.dir, top, e);
	free(top);
	return rc;
}
