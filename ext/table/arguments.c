/*
** Arguments that tables and functions share. See arguments.h.
*/
#include "arguments.h"

#include <string.h>

#include "core/clock.h"
#include "core/names.h"
#include "db/error.h"
#include "life/seal.h"

int kv_argument_time_text(const char *z, int n, int64_t now, int64_t *last,
                          char **err) {
  const char *why;
  int64_t ts;

  if (n == 3 && sqlite3_strnicmp(z, "now", 3) == 0) {
    *last = now;
    return SQLITE_OK;
  }
  why = kv_time_parse(z, (size_t)n, &ts, last);
  if (!why) return SQLITE_OK;
  return kv_error(err, SQLITE_ERROR,
                  "'%.*s' is not a time (%s): write 'YYYY-MM-DD "
                  "HH:MM:SS.SSS', a date, 'now', or integer microseconds "
                  "since 1970",
                  n, z, why);
}

int kv_argument_time(sqlite3_value *value, int64_t now, int64_t *last,
                     char **err) {
  const char *text;

  if (sqlite3_value_type(value) == SQLITE_INTEGER) {
    *last = sqlite3_value_int64(value);
    if (*last >= KV_TIME_SMALLEST && *last <= KV_TS_MAX) return SQLITE_OK;
    if (*last >= 0 && *last < KV_TIME_SMALLEST) {
      return kv_error(err, SQLITE_ERROR,
                      "%lld looks like seconds or milliseconds: times are "
                      "microseconds since 1970, or text",
                      *last);
    }
    return kv_error(err, SQLITE_ERROR,
                    "%lld is not a time: microseconds since 1970 go up to %lld",
                    *last, KV_TS_MAX);
  }
  text = (const char *)sqlite3_value_text(value);
  if (!text || sqlite3_value_type(value) != SQLITE_TEXT) {
    return kv_error(err, SQLITE_ERROR,
                    "%s is not a time: write 'YYYY-MM-DD HH:MM:SS.SSS', a "
                    "date, 'now', or integer microseconds since 1970",
                    text ? text : "NULL");
  }
  return kv_argument_time_text(text, sqlite3_value_bytes(value), now, last,
                               err);
}

void kv_arguments_init(kv_arguments *arguments) {
  memset(arguments, 0, sizeof(*arguments));
  arguments->options.now = -1;
  arguments->options.segment = KV_SEAL_BYTES;
}

void kv_arguments_clear(kv_arguments *arguments) {
  sqlite3_free(arguments->path);
  sqlite3_free(arguments->device);
  sqlite3_free(arguments->name);
  kv_arguments_init(arguments);
}

static int arguments_is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A copy without spaces around it and without quotes, '' in them halved. */
static char *arguments_unquote(const char *z, int n) {
  char *out;
  char quote;
  int i;
  int j = 0;

  while (n > 0 && arguments_is_space(z[0]))
    z++, n--;
  while (n > 0 && arguments_is_space(z[n - 1]))
    n--;
  out = sqlite3_mprintf("%.*s", n, z);
  if (!out || n < 2 || (out[0] != '\'' && out[0] != '"') ||
      out[n - 1] != out[0]) {
    return out;
  }
  quote = out[0];
  for (i = 1; i < n - 1; i++) {
    if (out[i] == quote && out[i + 1] == quote && i + 1 < n - 1) i++;
    out[j++] = out[i];
  }
  out[j] = '\0';
  return out;
}

static int arguments_flag(const char *value, int *out, char **err) {
  if (strcmp(value, "0") == 0 || strcmp(value, "1") == 0) {
    *out = value[0] == '1';
    return SQLITE_OK;
  }
  return kv_error(err, SQLITE_ERROR, "'%s' is neither 0 nor 1", value);
}

static int arguments_segment(kv_arguments *arguments, const char *value,
                             char **err) {
  size_t n = strlen(value);
  sqlite3_int64 bytes = 0;
  size_t i;

  if (n == 0 || n > 18 || strspn(value, "0123456789") != n) {
    return kv_error(err, SQLITE_ERROR,
                    "segment='%s' is not a number of bytes, or 0 for never",
                    value);
  }
  for (i = 0; i < n; i++)
    bytes = 10 * bytes + (value[i] - '0');
  arguments->options.segment = bytes;
  return SQLITE_OK;
}

static int arguments_publish(kv_arguments *arguments, const char *value,
                             char **err) {
  int is_sync = strcmp(value, "sync") == 0;

  if (!is_sync && strcmp(value, "commit") != 0) {
    return kv_error(err, SQLITE_ERROR,
                    "publish='%s' is neither 'commit' nor 'sync'", value);
  }
  arguments->options.publish = is_sync ? KV_AT_SYNC : KV_AT_COMMIT;
  return SQLITE_OK;
}

/* The greatest number of days of the option history. */
#define ARGUMENTS_DAYS 36500

static int arguments_history(kv_arguments *arguments, const char *value,
                             char **err) {
  int n = (int)strspn(value, "0123456789");
  int days = 0;
  int i;

  if (strcmp(value, "forever") == 0) {
    arguments->options.history = KV_FOREVER;
    return SQLITE_OK;
  }
  for (i = 0; i < n && days <= ARGUMENTS_DAYS; i++)
    days = 10 * days + (value[i] - '0');
  if (days < 1 || days > ARGUMENTS_DAYS ||
      strcmp(value + n, days == 1 ? " day" : " days") != 0) {
    return kv_error(err, SQLITE_ERROR,
                    "history='%s' is neither a number of days, '1 day', '30 "
                    "days' or up to '%d days', nor 'forever'",
                    value, ARGUMENTS_DAYS);
  }
  arguments->options.history = days * KV_DAY;
  return SQLITE_OK;
}

static int arguments_now(kv_arguments *arguments, const char *value,
                         char **err) {
  size_t n = strlen(value);

  if (n > 0 && strspn(value, "0123456789") == n) {
    sqlite3_int64 ts = 0;
    size_t i;
    for (i = 0; i < n && ts <= KV_TS_MAX; i++)
      ts = 10 * ts + (value[i] - '0');
    if (ts < KV_TIME_SMALLEST || ts > KV_TS_MAX) {
      return kv_error(err, SQLITE_ERROR,
                      "now=%s is not a time in microseconds since 1970", value);
    }
    arguments->options.now = ts;
    return SQLITE_OK;
  }
  if (sqlite3_stricmp(value, "now") == 0) return SQLITE_OK;
  {
    int64_t last;
    const char *why = kv_time_parse(value, n, &arguments->options.now, &last);
    if (!why) return SQLITE_OK;
    arguments->options.now = -1;
    return kv_error(err, SQLITE_ERROR, "now='%s' is not a time: %s", value,
                    why);
  }
}

static int arguments_set(kv_arguments *arguments, const char *name, char *value,
                         char **err) {
  char **to = NULL;

  if (strcmp(name, "now") == 0) return arguments_now(arguments, value, err);
  if (strcmp(name, "segment") == 0) {
    return arguments_segment(arguments, value, err);
  }
  if (strcmp(name, "publish") == 0) {
    return arguments_publish(arguments, value, err);
  }
  if (strcmp(name, "history") == 0) {
    return arguments_history(arguments, value, err);
  }
  if (strcmp(name, "adopt") == 0) {
    return arguments_flag(value, &arguments->options.adopt, err);
  }
  if (strcmp(name, "discard") == 0) {
    return arguments_flag(value, &arguments->discard, err);
  }
  to = strcmp(name, "name") == 0 ? &arguments->name : &arguments->device;
  sqlite3_free(*to);
  *to = kv_strdup(value);
  arguments->options.device = arguments->device;
  return *to ? SQLITE_OK : SQLITE_NOMEM;
}

int kv_arguments_option(kv_arguments *arguments, const char *z, int n,
                        const char *allowed, char **err) {
  const char *equals = memchr(z, '=', (size_t)n);
  char *name = NULL;
  char *value = NULL;
  char *pattern = NULL;
  int rc = SQLITE_OK;

  if (equals) {
    name = arguments_unquote(z, (int)(equals - z));
    value = arguments_unquote(equals + 1, n - (int)(equals - z) - 1);
    pattern = name ? sqlite3_mprintf(" %s ", name) : NULL;
    if (!name || !value || !pattern) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK && (!equals || !strstr(allowed, pattern))) {
    rc = kv_error(err, SQLITE_ERROR,
                  "'%.*s' is not an option here: options are name=value, and "
                  "the names are%.*s",
                  n, z, (int)strlen(allowed) - 1, allowed);
  } else if (rc == SQLITE_OK) {
    rc = arguments_set(arguments, name, value, err);
  }
  sqlite3_free(pattern);
  sqlite3_free(value);
  sqlite3_free(name);
  return rc;
}

int kv_arguments_list(kv_arguments *arguments, const char *z,
                      const char *allowed, char **err) {
  int rc = SQLITE_OK;

  while (rc == SQLITE_OK && *z) {
    int n = 0;
    char quote = '\0';

    for (; z[n] && (quote || z[n] != ','); n++) {
      if (quote && z[n] == quote) {
        quote = '\0';
      } else if (!quote && (z[n] == '\'' || z[n] == '"')) {
        quote = z[n];
      }
    }
    while (n > 0 && arguments_is_space(*z))
      z++, n--;
    if (n > 0) rc = kv_arguments_option(arguments, z, n, allowed, err);
    z += n;
    if (*z == ',') z++;
  }
  return rc;
}

int kv_arguments_path(kv_arguments *arguments, const char *z) {
  sqlite3_free(arguments->path);
  arguments->path = arguments_unquote(z, (int)strlen(z));
  arguments->options.path = arguments->path;
  return arguments->path ? SQLITE_OK : SQLITE_NOMEM;
}

int kv_arguments_text(sqlite3_value *value, const char *what, const char **out,
                      char **err) {
  *out = (const char *)sqlite3_value_text(value);
  if (!*out || (size_t)sqlite3_value_bytes(value) == strlen(*out)) {
    return SQLITE_OK;
  }
  return kv_error(err, SQLITE_ERROR, "there is a NUL in the %s after '%s'",
                  what, *out);
}

int kv_argument_whole(sqlite3_value *value, int64_t *out) {
  int type = sqlite3_value_type(value);

  *out = sqlite3_value_int64(value);
  return type == SQLITE_INTEGER ||
         (type == SQLITE_FLOAT && sqlite3_value_double(value) == (double)*out);
}
