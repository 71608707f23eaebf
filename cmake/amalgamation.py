"""Write kv.c, all of the extension in one file, and kv.h.

    amalgamation.py --version VERSION --license LICENSE --xxhash xxhash.h
        --header kv.h --out FOLDER [-I FOLDER ...] source.c ...

Each header comes once, before the first file that includes it, and without
conditions. What speaks to the system comes before all of them, under the
conditions that it had: macros that are reserved for that (_GNU_SOURCE), then
system headers, then xxhash.h as it is. All that follows is hidden from other
libraries.

The same sources make the same bytes. Names of ext/ have to differ between its
files, which tests/build/amalgamation.sh checks by compiling kv.c.
"""

import argparse
import os
import re

DIRECTIVE = re.compile(r'^ *# *(\w+)\b *(.*?) *$')

HEAD = '''\
/*
** sqlite-kv {version}: all of it in one file, made of its sources. Edit those
** instead. kv.h says how a program uses it.
**
** A loadable extension, beside sqlite3.h and sqlite3ext.h:
**
**     cc -O2 -shared -fPIC kv.c -o kv.so
**
** Linked into a program that has SQLite itself:
**
**     cc -O2 -DSQLITE_CORE app.c kv.c sqlite3.c -o app
**
{license}
**
** It has xxHash {xxhash_version} in it, whose license stands at its beginning.
*/
#ifndef KV_VERSION
#define KV_VERSION "{version}"
#endif

/* assert() is for those who work on it. */
#if !defined(KV_DEBUG) && !defined(NDEBUG)
#define NDEBUG
#endif

#ifndef _WIN32
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#endif
'''

HIDE = '''
/* Two versions in one process would call each other's functions. */
#if defined(__GNUC__) && !defined(_WIN32)
#pragma GCC visibility push(hidden)
#endif
'''

SHOW = '''
#if defined(__GNUC__) && !defined(_WIN32)
#pragma GCC visibility pop
#endif
'''


def read(path):
    with open(path, encoding='utf-8', newline='') as f:
        return f.read().replace('\r\n', '\n')


class Amalgamation:
    def __init__(self, folders):
        self.folders = folders
        self.done = set()
        self.macros = {}  # reserved macros: (conditions, line), in their order
        self.headers = {}  # system headers: (conditions, name)
        self.body = []

    def find(self, name, beside):
        for folder in [os.path.dirname(beside)] + self.folders:
            path = os.path.join(folder, name)
            if os.path.exists(path):
                return path
        raise SystemExit(f'{beside}: there is no "{name}"')

    def title(self, path):
        """The path as it is in the sources, not on this machine."""
        for folder in self.folders:
            if not os.path.relpath(path, folder).startswith('..'):
                return os.path.relpath(path, folder).replace(os.sep, '/')
        return os.path.basename(path)

    def add(self, path):
        path = os.path.abspath(path)
        if path in self.done:
            return
        self.done.add(path)
        text = read(path)
        guard = re.search(r'^#ifndef (\w+)\n#define \1$', text, re.M)
        guard = guard and f'!defined({guard[1]})'
        lines = []
        conditions = []  # of each #if: what holds here, what held before
        for line in text.split('\n'):
            match = DIRECTIVE.match(line)
            word, rest = match.groups() if match else ('', '')
            if word.startswith('if'):
                conditions.append((condition(word, rest), []))
            elif word in ('else', 'elif'):
                last, before = conditions.pop()
                before = before + [f'!({last})']
                now = [condition(word, rest)] if word == 'elif' else []
                conditions.append((' && '.join(before + now), before))
            elif word == 'endif':
                conditions.pop()
            elif word == 'include' and rest.startswith('"'):
                self.add(self.find(rest.split('"')[1], path))
                continue
            here = tuple(c for c, _ in conditions if c != guard)
            if word == 'include':
                self.headers[here, rest[1:rest.index('>')]] = None
                continue
            if word == 'define' and re.match('_[A-Z]|WIN32_', rest):
                self.macros[here, line] = None
                continue
            if word == 'define' and rest == 'XXH_INLINE_ALL':
                continue
            lines.append(line)
        text = re.sub(r'\n{3,}', '\n\n', '\n'.join(lines)).strip('\n')
        self.body.append(f'\n/* {"-" * 8} {self.title(path)} {"-" * 8} */\n\n'
                         f'{text}\n')


def condition(word, rest):
    """What an #if, #ifdef, #ifndef or #elif asks, as an expression."""
    rest = re.sub(r'/\*.*', '', rest).strip()
    return {'ifdef': f'defined({rest})', 'ifndef': f'!defined({rest})'}.get(
        word, f'({rest})' if '||' in rest else rest)


def directives(conditions, lines):
    text = '\n'.join(lines) + '\n'
    for each in reversed(conditions):
        text = f'#if {each}\n{text}#endif\n'
    return text


def system_macro(conditions, line):
    unless = f'!defined({line.split()[1]})'
    if unless not in conditions:
        conditions += (unless,)
    return directives(conditions, [line])


def system_headers(headers):
    """Those without conditions first, each group by name."""
    groups = {}
    for conditions, name in headers:
        is_ours = name == 'xxhash.h' or name.startswith('sqlite3')
        if not is_ours and (not conditions or ((), name) not in headers):
            groups.setdefault(conditions, []).append(f'#include <{name}>')
    return ''.join(directives(conditions, sorted(groups[conditions]))
                   for conditions in sorted(groups))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--version', required=True)
    parser.add_argument('--license', required=True)
    parser.add_argument('--xxhash', required=True)
    parser.add_argument('--header', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('-I', action='append', default=[], dest='folders')
    parser.add_argument('sources', nargs='+')
    a = parser.parse_args()

    made = Amalgamation(a.folders)
    for source in sorted(a.sources, key=made.title):
        made.add(source)

    xxhash = read(a.xxhash)
    number = '.'.join(
        re.search(fr'define XXH_VERSION_{part} +(\d+)', xxhash)[1]
        for part in ('MAJOR', 'MINOR', 'RELEASE'))
    license_text = '\n'.join(f'** {line}'.rstrip()
                             for line in read(a.license).strip().split('\n'))
    parts = [
        HEAD.format(version=a.version, license=license_text,
                    xxhash_version=number),
        *(system_macro(*macro) for macro in made.macros), '\n',
        '#include "sqlite3ext.h"\n', system_headers(made.headers),
        '\n/* -------- xxhash.h -------- */\n\n#define XXH_INLINE_ALL\n\n',
        xxhash, HIDE, *made.body, SHOW,
    ]
    os.makedirs(a.out, exist_ok=True)
    header = read(a.header).replace('<sqlite3.h>', '"sqlite3.h"')
    for name, text in (('kv.c', ''.join(parts)), ('kv.h', header)):
        with open(os.path.join(a.out, name), 'w', encoding='utf-8',
                  newline='\n') as f:
            f.write(text)


if __name__ == '__main__':
    main()
