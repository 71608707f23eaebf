"""Every command and example of the pages is run, and its output compared.

    python3 tests/python/test_readme.py             run
    python3 tests/python/test_readme.py --update    update the outputs
    python3 tests/python/test_readme.py PAGE ...    run the blocks of these pages

The pages are all Markdown files of the repository; PAGES has each with the
number of its blocks, so that none is left out unseen. The word behind a fence
says what a block is:

    console   a session: `$ command`, or `sqlite> statement` and its output
              (with rclone only where that is installed).
              A block that does not begin with `$` goes on in the shell of the
              one before; where there are two, <!-- shell NAME --> is above.
    gdb       a session of gdb, in which the program stops where the page says
    python    run by this Python; the text block behind it is its output
    c         compiled with cc against libsqlite3 and run; the same
    sh        commands, run in a copy of the sources; what takes minutes is
              run as far as it says what it would do (run_source_line)
    text      the output of the block before
    sql       compared by another test, or part of a file
    py, js, bash   what does not end: test_follow.py runs it
    figures   measured once; a drawing has no word

All blocks under one heading share a folder that has the module as kv.so, and
examples; on the page about PARStore Old.parstore, too. <!-- debug --> above a block: the module there is that of a
Debug build. The tables of the reference are compared with what the module has,
and links with what is there. <!-- from FILE --> above a block: it is a part of
that file, indented less. <!-- add to FILE [after TEXT] --> above a block: it
is added to the copy of the sources, before they are built for <!-- debug -->.

KV_MODULE is the module's path without its suffix.
"""

import collections
import glob
import os
import pty
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import termios
import textwrap
import time
import tty
import unittest

import parstore

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
REFERENCE = 'ext/surface/README.md'
ERRORS = 'ext/surface/ERRORS.md'
LANGUAGES = 'examples/guide/languages.md'
PARSTORE = 'examples/guide/parstore.md'
FORMAT = 'ext/log/README.md'
CACHE = 'ext/cache/README.md'
FLOORS = 'ext/README.md'
TESTS = 'tests/README.md'
MODULE = os.environ.get('KV_MODULE', os.path.join(SOURCE, 'build', 'kv'))
MODULE_FILE = next(iter(glob.glob(MODULE + '.*')), MODULE + '.so')
MARK = '-- end of the statement --'
SHELL = os.environ.get('SQLITE3', 'sqlite3')

# How many blocks each page has. A new example is counted here, too.
PAGES = {
    'README.md': {'console': 3, '': 1, 'sh': 2, 'python': 1, 'text': 1},
    '.github/CONTRIBUTING.md': {'sh': 2, 'sql': 2, 'c': 3, 'console': 1},
    'CHANGELOG.md': {},
    'examples/README.md': {},
    'examples/guide/c.md': {'c': 1, 'text': 1},
    'examples/guide/export.md': {'console': 7},
    'examples/guide/follow.md': {'console': 1, 'python': 1, 'c': 1, 'text': 2,
                                'sql': 1, 'bash': 1, 'py': 1, 'js': 1},
    'examples/guide/history.md': {'console': 8},
    'examples/guide/install.md': {
        'sh': 12, 'python': 1, 'js': 1, 'cmake': 1, 'bash': 1},
    'examples/guide/languages.md': {
        'console': 5, 'sh': 1, 'c': 2, 'python': 7, 'js': 3, 'php': 2,
        'ruby': 2, 'perl': 1, 'tcl': 1, 'r': 1, 'java': 1, 'go': 1, 'rust': 1},
    'examples/guide/laptops.md': {'sh': 1, 'bash': 3, 'console': 3},
    'examples/guide/parstore.md': {'console': 4, 'python': 2, 'text': 2},
    'examples/guide/persistent.md': {'console': 4},
    'examples/guide/promises.md': {},
    'examples/guide/ptvp35.md': {'console': 2},
    'examples/guide/python.md': {'python': 1, 'text': 1},
    'examples/guide/recipes.md': {'console': 12, 'python': 1, 'text': 1},
    'examples/guide/shell.md': {'console': 3},
    'examples/guide/syncing.md': {'': 1, 'console': 4},
    'examples/guide/ten_years.md': {'console': 3},
    'examples/guide/typed.md': {'console': 5, 'sql': 1},
    'examples/reports/README.md': {'console': 1},
    'ext/README.md': {'sh': 2, 'console': 5, 'gdb': 2, '': 2},
    'ext/cache/README.md': {'': 2, 'console': 4},
    'ext/log/README.md': {'sql': 2, '': 4},
    'ext/surface/ERRORS.md': {},
    'ext/surface/LIMITS.md': {},
    'ext/surface/README.md': {},
    'tests/README.md': {'sh': 3},
    'tests/bench/README.md': {'sh': 1, '': 10},
    'tests/fault/README.md': {'sh': 2},
    'tests/foreign/README.md': {},
    'tests/fuzz/README.md': {'sh': 2},
    'tests/lifecycle/README.md': {'sh': 2},
    'tests/lifecycle/RULES.md': {},
    'tests/tables/README.md': {'sh': 1},
}

Block = collections.namedtuple(
    'Block', 'page kind heading shell is_debug target source body line')


def read_page(page):
    with open(os.path.join(SOURCE, page), encoding='utf-8') as f:
        return f.read()


def pages_there():
    """All Markdown files, except those of builds."""
    found = []
    for folder, inner, files in os.walk(SOURCE):
        inner[:] = [name for name in inner
                    if name == '.github' or not re.match(r'\.|build', name)
                    or folder != SOURCE]
        found += [os.path.relpath(os.path.join(folder, name), SOURCE)
                  for name in files if name.endswith('.md')]
    return sorted(found)


def blocks_of(page):
    """The fenced blocks, with the heading and the shell they belong to."""
    text = read_page(page)
    blocks = []
    heading = shell = kind = target = source = None
    is_debug = False
    body = []
    for number, line in enumerate(text.split('\n'), 1):
        if kind is not None:
            if line == '```':
                blocks.append(Block(page, kind, heading, shell, is_debug,
                                    target, source, body, start))
                kind = shell = target = source = None
                is_debug = False
            else:
                body.append(line)
        elif line.startswith('```'):
            kind, body, start = line[3:], [], number + 1
        elif line.startswith('#'):
            heading, shell = line.strip('# '), None
        elif re.match(r'<!-- shell (\w+) -->$', line):
            shell = line.split()[2]
        elif re.match(r'<!-- from (\S+) -->$', line):
            source = line.split()[2]
        elif line == '<!-- debug -->':
            is_debug = True
        elif line.startswith('<!-- add to '):
            target = re.match(r'<!-- add to (\S+)(?: after (\S+))? -->$',
                              line).groups()
    assert kind is None, 'a block is not closed'
    return blocks


class Shell:
    """The stock sqlite3 shell, fed one statement at a time.

    Its output goes to a terminal, so that output and errors keep their
    order; its input does not, so that it prints no prompts.
    """

    def __init__(self, arguments, folder, environment):
        self.terminal, inner = pty.openpty()
        tty.setraw(inner, termios.TCSANOW)
        self.process = subprocess.Popen(
            [SHELL, '-batch', '-init', os.devnull] + arguments, cwd=folder,
            env=dict(os.environ, **environment), stdin=subprocess.PIPE, stdout=inner, stderr=inner)
        os.close(inner)
        self.unread = b''

    def read_until(self, mark):
        while mark not in self.unread:
            try:
                more = os.read(self.terminal, 65536)
            except OSError:
                more = b''
            if not more:
                raise AssertionError('the shell ended: %r' % self.unread)
            self.unread += more
        found, self.unread = self.unread.split(mark, 1)
        return found

    def run(self, lines):
        """Run lines of one or more statements; returns what was printed."""
        lines = lines + ['.print ' + shlex.quote(MARK)]
        self.process.stdin.write(('\n'.join(lines) + '\n').encode())
        self.process.stdin.flush()
        out = self.read_until(MARK.encode() + b'\n').decode()
        # An interactive shell omits the line number.
        out = re.sub(r'(?m)^(\w+ error) near line \d+:', r'\1:', out)
        return out.split('\n')[:-1]

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(timeout=60)
        os.close(self.terminal)
        return status


class Runner:
    """Runs blocks in order; the outputs it saw are in self.seen."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix='kv-readme.')
        open(os.path.join(self.root, 'rclone.conf'), 'w').close()
        # This Python loads extensions, which another python3 may not do.
        os.mkdir(os.path.join(self.root, 'bin'))
        os.symlink(sys.executable, os.path.join(self.root, 'bin', 'python3'))
        self.sources = Sources()
        self.heading = self.folder = None
        self.shells = {}
        self.output = None  # of the last python or c block
        self.problems = []

    def close(self):
        self.leave_heading()
        self.sources.remove()
        shutil.rmtree(self.root)

    def leave_heading(self):
        for shell in self.shells.values():
            if shell.close() != 0:
                self.problems.append(
                    '%s: a shell ended with an error' % self.heading)
        self.shells = {}

    def enter_heading(self, heading, page):
        if heading != self.heading:
            self.leave_heading()
            self.heading = heading
            self.is_debug = False
            self.folder = tempfile.mkdtemp(dir=self.root)
            shutil.copy(MODULE_FILE, self.folder)
            shutil.copytree(os.path.join(SOURCE, 'examples'),
                            os.path.join(self.folder, 'examples'))
            if page == PARSTORE:
                parstore.guide(os.path.join(self.folder, 'Old.parstore'))

    def use_debug(self):
        """Use the module of a Debug build from here on."""
        if self.is_debug:
            return
        self.is_debug = True
        self.sources.make_debug()
        shutil.copy(self.sources.path('build-debug/kv.so'), self.folder)

    def run(self, block):
        """Run one block; returns its lines as they should be."""
        self.enter_heading(block.heading, block.page)
        if block.is_debug:
            self.use_debug()
        if block.target:
            self.sources.add(block)
            return block.body
        if block.source:
            return part_of(block)
        run = getattr(self, 'run_' + (block.kind or 'drawing'), None)
        if run is None:
            raise AssertionError('line %d: unknown kind of block %s'
                                 % (block.line, block.kind))
        if block.kind != 'text' and self.output is not None:
            raise AssertionError('line %d: the output of the block before is '
                                 'not shown' % block.line)
        return run(block)

    def command(self, arguments, **options):
        options.setdefault('env', os.environ)
        # Here, rclone's remote is a folder.
        options['env'] = dict(
            options['env'], RCLONE_CONFIG_REMOTE_TYPE='alias',
            RCLONE_CONFIG_REMOTE_REMOTE=os.path.join(self.folder, 'remote'),
            RCLONE_CONFIG=os.path.join(self.root, 'rclone.conf'), PATH='%s:%s' % (
            os.path.join(self.root, 'bin'), options['env']['PATH']))
        done = subprocess.run(arguments, cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, timeout=250,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **options)
        return done.returncode, done.stdout

    def run_console(self, block):
        if (any(line.startswith('$ rclone ') for line in block.body)
                and not shutil.which('rclone')):
            return block.body
        out = []
        lines = list(block.body)
        name = block.shell
        while lines:
            line = lines.pop(0)
            if line.startswith('$ '):
                out.append(line)
                words = shlex.split(line[2:])
                environment = {}
                while re.match(r'\w+=', words[0]):
                    variable, value = words.pop(0).split('=', 1)
                    environment[variable] = value
                if words[0] == 'sqlite3' and not set(words) & {'<', '<<', '|'}:
                    if name in self.shells:
                        self.shells.pop(name).close()
                    self.shells[name] = Shell(words[1:], self.folder,
                                              environment)
                else:
                    out += self.command(line[2:], shell=True)[1].splitlines()
            elif line.startswith('sqlite> ') and name in self.shells:
                unit = [line[8:]]
                out.append(line)
                while lines and (lines[0].startswith('   ...> ')
                                 or unit[-1].startswith('.once ')):
                    unit.append(lines[0][8:])
                    out.append(lines.pop(0))
                out += self.shells[name].run(unit)
            elif line.startswith('sqlite> '):
                raise AssertionError('line %d: no shell runs' % block.line)
        return out

    def run_python(self, block):
        status, self.output = self.command(
            [sys.executable, '-c', '\n'.join(block.body)])
        if status != 0:
            raise AssertionError('line %d: %s' % (block.line, self.output))
        return block.body

    def run_c(self, block):
        with open(os.path.join(self.folder, 'notes.c'), 'w') as f:
            f.write('\n'.join(block.body) + '\n')
        compiler = shlex.split(os.environ.get('CC', 'cc'))
        status, out = self.command(
            compiler + ['-Wall', '-Wextra', '-Werror', 'notes.c', '-o',
                        'notes', '-lsqlite3'], env=without_preload())
        if status == 0:
            status, self.output = self.command(['./notes'])
            out += self.output
        if status != 0:
            raise AssertionError('line %d: %s' % (block.line, out))
        return block.body

    def run_text(self, block):
        if self.output is None:
            raise AssertionError('line %d: the output of what?' % block.line)
        output, self.output = self.output, None
        return output.splitlines()

    def run_sh(self, block):
        for line in joined(block.body):
            run_source_line(self.sources, line)
        return block.body

    def run_gdb(self, block):
        """A session of gdb: it stops where the page says, in that order. What
        is typed between the stops is always the same, and is left out.
        """
        typed = [line[6:] for line in block.body if line.startswith('(gdb) ')]
        names = [line[6:] for line in typed if line.startswith('break ')]
        for name in names:
            assert re.search(r'(?m)^\w[\w *]*\b%s\(' % name,
                             sources_of_ext()), 'no function ' + name
        if not shutil.which('gdb'):
            return block.body
        self.use_debug()
        for name, lines in (
                ('session.sql', [line[8:] for line in block.body
                                 if line.startswith('sqlite> ')]),
                ('session.gdb', ['set breakpoint pending on',
                                 'set print frame-arguments none',
                                 'set startup-with-shell on'] +
                 ['break %s\ncommands\ncontinue\nend' % n for n in names] +
                 ['run -batch -init /dev/null %s < session.sql' % ' '.join(
                     shlex.split(block.body[0])[4:])])):
            with open(os.path.join(self.folder, name), 'w') as f:
                f.write('\n'.join(lines) + '\n')
        out = self.command(['gdb', '-nx', '-batch', '-x', 'session.gdb',
                            SHELL], env=without_preload())[1]
        if 'ould not trace' in out or 'ptrace: ' in out:
            return block.body
        seen = ['Breakpoint %s, %s (...)' % found for found in re.findall(
            r'(?m)^(?:Thread .* hit )?Breakpoint (\d+), (?:0x\w+ in )?(\w+) \(',
            out)]
        assert seen, out
        body = []
        for line in block.body:
            if line.startswith('Breakpoint '):
                line = seen.pop(0) if seen else '(does not stop again)'
            body.append(line)
        return body + seen

    def run_drawing(self, block):
        return block.body

    run_py = run_js = run_bash = run_drawing

    def run_sql(self, block):
        return block.body


def without_preload():
    return {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}


def part_of(block):
    """What a file has from the first line of a block to its last."""
    with open(os.path.join(SOURCE, block.source), encoding='utf-8') as f:
        lines = f.read().split('\n')
    words = [line.strip() for line in lines]
    ends = [line.strip() for line in block.body]
    first = last = words.index(ends[0])
    for _ in range(ends.count(ends[-1])):
        last = words.index(ends[-1], last) + 1
    return textwrap.dedent('\n'.join(lines[first:last])).split('\n')


def joined(lines):
    """Lines of a shell; a line that ends with a backslash is joined with the
    next one."""
    return [line for line in '\n'.join(lines).replace('\\\n', ' ').split('\n')
            if line]


def sources_of_ext():
    text = []
    for path in glob.glob(os.path.join(SOURCE, 'ext', '**', '*.c'),
                          recursive=True):
        with open(path) as f:
            text.append(f.read())
    return '\n'.join(text)


class Sources:
    """A copy of the sources, in which the commands of one page are run."""

    def __init__(self):
        self.folder = None

    def path(self, name=''):
        """A path in the copy, which is made when it is first needed."""
        if self.folder is None:
            self.folder = os.path.join(tempfile.mkdtemp(prefix='kv-readme.'),
                                       'sqlite-kv')
            shutil.copytree(SOURCE, self.folder, ignore=shutil.ignore_patterns(
                'build', 'build-*', '.git', '__pycache__'))
            self.make_pkg_config()
        return os.path.join(self.folder, name)

    def run(self, line, **environment):
        folder = self.path()
        env = dict(without_preload(), **environment)
        env['DESTDIR'] = os.path.join(folder, 'root')
        env['PATH'] = os.path.join(folder, 'bin') + ':' + env['PATH']
        done = subprocess.run(line, shell=True, cwd=folder, text=True,
                              stdin=subprocess.DEVNULL, timeout=600, env=env,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise AssertionError('%s\n%s' % (line, done.stdout))
        return done.stdout

    def add(self, block):
        """A block that is added to a file: at its end, or after a line."""
        path, name = block.target
        path = self.path(path)
        lines = []
        if os.path.exists(path):
            with open(path) as f:
                lines = f.read().split('\n')
        assert not (set(block.body) - {''}) & set(lines), 'it is there already'
        at = len(lines) if name is None else 1 + max(
            i for i, line in enumerate(lines) if name in line)
        lines[at:at] = block.body + ([''] if name is None else [])
        with open(path, 'w') as f:
            f.write('\n'.join(lines))
        if path.endswith('.c') and shutil.which('clang-format-14'):
            self.run('clang-format-14 --dry-run -Werror ' + block.target[0])

    def has_tests(self, build):
        if not os.path.exists(self.path(build)):
            self.run('cmake -S . -B ' + build)
        with open(os.path.join(self.path(build), 'CMakeCache.txt')) as f:
            return 'KV_BUILD_TESTS:BOOL=OFF' not in f.read()

    def make_debug(self):
        if not os.path.exists(self.path('build-debug/kv.so')):
            self.run('cmake -S . -B build-debug -DCMAKE_BUILD_TYPE=Debug'
                     ' -DKV_BUILD_TESTS=OFF -DKV_WERROR=ON')
            self.run('cmake --build build-debug --target kv -j2')

    def make_pkg_config(self):
        """pkg-config for what is installed below DESTDIR."""
        os.mkdir(os.path.join(self.folder, 'bin'))
        path = os.path.join(self.folder, 'bin', 'pkg-config')
        with open(path, 'w') as f:
            f.write('#!/bin/sh\nexec "%s" -c %s "$@"\n'
                    % (sys.executable, shlex.quote(PKG_CONFIG)))
        os.chmod(path, 0o755)

    def remove(self):
        if self.folder:
            shutil.rmtree(os.path.dirname(self.folder))
            self.folder = None


# As much of pkg-config as the pages use, so that it need not be installed.
PKG_CONFIG = '''
import glob, os, re, sys
root = os.environ["DESTDIR"]
file, = glob.glob(root + "/**/sqlite-kv.pc", recursive=True)
values = {}
for line in open(file):
    found = re.match(r"(\\w+)(?:=|: *)(.*)", line)
    if found:
        values[found[1]] = re.sub(r"\\$\\{(\\w+)\\}",
                                  lambda m: values[m[1]], found[2])
values["prefix"] = root + values["prefix"]
for line in open(file):
    found = re.match(r"(\\w+)(?:=|: *)(.*)", line)
    if found and found[1] != "prefix":
        values[found[1]] = re.sub(r"\\$\\{(\\w+)\\}",
                                  lambda m: values[m[1]], found[2])
if "sqlite-kv" not in sys.argv:
    sys.exit("which package?")
for option in sys.argv[1:]:
    if option.startswith("--variable="):
        print(values[option[11:]])
    elif option == "--cflags":
        print(values["Cflags"], end=" ")
    elif option == "--libs":
        print(values["Libs"], "-lsqlite3")
'''


def packages_of_ci():
    with open(os.path.join(SOURCE, '.ci', 'run')) as f:
        return re.search(r'packages=\(([^)]*)\)', f.read())[1].split()


def run_source_line(sources, line):
    """Run a command of a page, or the part of it that does not take minutes."""
    line = re.sub(r'\s+#.*', '', line)
    if ' && ' in line:
        for part in line.split(' && '):
            run_source_line(sources, part)
        return
    variables, command = re.match(r'((?:\w+=\S+ )*)(?:sudo )?(.*)',
                                  line).groups()
    env = dict(pair.split('=', 1) for pair in variables.split())
    words = shlex.split(command)
    for word in words:  # files of the sources are there
        if re.match(r'(tests|examples|ext|sql|cmake)/[^*]*$', word):
            assert os.path.exists(sources.path(word)), word
    if ' build-packages/' in command.replace(' ./', ' '):
        # tests/packages installs them; here is what the page names.
        for word in words:
            if '/packages/' in word:
                assert glob.glob(sources.path(word)), word
    elif command == 'python3 -m venv venv':
        pass
    elif command.startswith('apt-get install '):
        missing = set(words[2:]) - set(packages_of_ci())
        assert not missing, 'not installed for the tests: %s' % missing
    elif command.startswith('cmake -S'):
        if env.get('CC') and not shutil.which(env['CC']):
            env.pop('CC')
        sources.run(command, **env)
    elif command.startswith('cmake --build '):
        target = words[words.index('--target') + 1:][:1] \
            if '--target' in words else ['all']
        if target == ['kv'] or not sources.has_tests(words[2]):
            sources.run(command)
        else:
            assert re.search(r'(?m)(^|\s)%s\b' % target[0], sources.run(
                'cmake --build %s --target help' % words[2])), target
    elif words[0] == 'ctest':
        build = words[words.index('--test-dir') + 1]
        assert sources.has_tests(build)
        out = sources.run(command + ' -N')
        assert re.search(r'Total Tests: [1-9]', out), out
    elif words[:2] == ['sh', 'tests/golden/run.sh']:
        sources.run(command.replace('build/kv.so', shlex.quote(
            os.path.abspath(MODULE_FILE))),
                    KV_PRELOAD=os.environ.get('LD_PRELOAD', ''), SQLITE3=SHELL)
        golden = os.path.splitext(words[-1])[0] + '.out'
        with open(sources.path(golden)) as new, open(
                os.path.join(SOURCE, golden)) as old:
            assert new.read() == old.read(), golden
    elif words[0] == 'sh':
        assert os.path.exists(sources.path(words[1])), words[1]
    elif re.search(r'\bpython3$', words[0]):
        if 'KV_MODULE' in env:
            env['KV_MODULE'] = os.path.abspath(MODULE)
        if 'KV_NEXT' in env:
            env['KV_NEXT'] = os.path.abspath(MODULE) + '_next'
        if 'KV_FOLD_ROWS' in env:
            built = os.path.join(os.path.dirname(os.path.abspath(MODULE)),
                                 os.path.basename(env['KV_FOLD_ROWS']))
            if not os.path.exists(built):
                return
            env.update(KV_FOLD_ROWS=built, KV_FOLD_SCHEDULES='50')
        if 'LD_PRELOAD' in os.environ:
            env['LD_PRELOAD'] = os.environ['LD_PRELOAD']
        # A hundred and more of something take minutes.
        words = ['2' if re.match(r'\d{3,}$', word) else word
                 for word in words]
        words[0] = sys.executable
        sources.run(' '.join(shlex.quote(w) for w in words), **env)
    elif words[0] == 'cd':
        assert os.path.isdir(sources.path(words[1])), words[1]
    elif words[0] == 'mkdir':
        sources.run(command)
    elif re.match(r'(cc|sqlite3|build/embed|cmake --install)\b',
                  command):
        if words[0] == 'cc':
            shutil.copy(sources.path('examples/embed.c'),
                        sources.path('app.c'))
        if words[0] == 'sqlite3':
            command = command.replace(
                'sqlite3 ', shlex.quote(SHELL) + ' -batch -init /dev/null ',
                1)
            assert re.search(r'\d+\.\d+\.\d+', sources.run(
                'echo "SELECT kv_version();" | ' + command)), command
        else:
            sources.run(command)
    elif re.match(r'build(-\w+)?/\w+', words[0]):
        name = os.path.basename(words[0])
        assert name == 'kv_bench' or glob.glob(
            sources.path('tests/**/%s.c' % name), recursive=True), name
        built = os.path.join(os.path.dirname(os.path.abspath(MODULE)), name)
        if words[0].startswith('build/') and os.path.exists(built):
            sources.run(' '.join([shlex.quote(built)] + words[1:]))
    elif re.match(r'clang-format', words[0]):
        pass
    else:
        raise AssertionError('how is this run? ' + line)


def write_outputs(pages):
    """--update: write the current outputs into the pages."""
    for page in pages:
        lines = read_page(page).split('\n')
        runner = Runner()
        shift = 0
        for block in blocks_of(page):
            at = block.line - 1 + shift
            new = runner.run(block)
            lines[at:at + len(block.body)] = new
            shift += len(new) - len(block.body)
        runner.close()
        with open(os.path.join(SOURCE, page), 'w', encoding='utf-8') as f:
            f.write('\n'.join(lines))


# Links.

def lines_of_prose(page):
    """The lines outside blocks."""
    is_block = False
    for line in read_page(page).split('\n'):
        if line.startswith('```'):
            is_block = not is_block
        elif not is_block:
            yield line


def anchors_of(page):
    """The anchors of a page's headings, as GitHub makes them."""
    anchors = set()
    for line in lines_of_prose(page):
        if line.startswith('#'):
            text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', line.strip('# '))
            anchors.add(re.sub(r'[^\w -]', '', text.lower()).replace(' ', '-'))
    return anchors


def broken_links(page):
    broken = []
    for line in lines_of_prose(page):
        for target in re.findall(r'\]\(([^)\s]+)\)', line):
            if re.match(r'https?:', target):
                continue
            path, _, anchor = target.partition('#')
            path = os.path.normpath(os.path.join(
                os.path.dirname(page), path)) if path else page
            if not os.path.exists(os.path.join(SOURCE, path)):
                broken.append('%s: %s' % (page, target))
            elif anchor and anchor not in anchors_of(path):
                broken.append('%s: %s' % (page, target))
    return broken


def broken_names(page):
    """Files that a page names in backquotes, and that neither exist nor are
    made by one of its blocks; NAME stands for a name."""
    made = {block.target[0] for block in blocks_of(page) if block.target}
    folders = [SOURCE, os.path.join(SOURCE, os.path.dirname(page)),
               os.path.join(SOURCE, 'ext')]
    return ['%s: %s' % (page, name) for line in lines_of_prose(page)
            for name in re.findall(
                r'`([\w./-]+/[\w.-]+\.(?:[ch]|py|sh|sql|md|cmake))`', line)
            if name not in made and not re.search('[A-Z]{4}[.]', name)
            and not any(os.path.exists(os.path.join(folder, name))
                       for folder in folders)]


# The reference.

def connect():
    con = sqlite3.connect(':memory:', isolation_level=None)
    con.enable_load_extension(True)
    con.load_extension(MODULE)
    return con


def table_under(heading, page=REFERENCE):
    """The rows of the table under a heading of a page, cells as text."""
    part = re.search(r'(?ms)^#+ %s\n(.*?)(?=^#|\Z)' % re.escape(heading),
                     read_page(page))
    assert part, 'there is no heading ' + heading
    rows = [re.split(r'(?<!\\)\|', line)[1:-1]
            for line in part[1].split('\n') if line.startswith('|')]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def names_in(heading):
    """The names in the first column of the table under a heading."""
    return [name for row in table_under(heading)
            for name in re.findall(r'`([^`]+)`', row[0])]


def folders_of(folder):
    with os.scandir(os.path.join(SOURCE, folder)) as entries:
        return [entry.name for entry in entries
                if entry.is_dir() and not entry.name.startswith(('.', '_'))]


def messages_of_source():
    """The formats of all messages, each %s and %lld as an ellipsis.

    Those that only Windows has are left out.
    """
    found = set()
    for path in glob.glob(os.path.join(SOURCE, 'ext', '**', '*.c'),
                          recursive=True):
        if path.endswith('_windows.c'):
            continue
        with open(path) as f:
            text = f.read()
        # Messages of the store's own SQL functions have the prefix already.
        found |= set(re.findall(r'"kv: ([^"%:]{9,})', text))
        for call in re.finditer(r'\bkv_error\(', text):
            for literal in formats_of_call(text, call.end()):
                found.add(re.sub(r'%(\.\*)?(lld|llu|s|d)', '…', literal))
    return {message for message in found if message.strip('…: ')}


def formats_of_call(text, at):
    """The string literals in the third argument of a call, joined."""
    depth = argument = 1
    literals = []
    is_joined = False
    token = re.compile(r'"((?:[^"\\]|\\.)*)"|\s+|.')
    while depth > 0:
        found = token.match(text, at)
        at = found.end()
        if found[1] is not None and argument == 3:
            literals[len(literals) - is_joined:] = [
                ''.join(literals[-1:] if is_joined else []) + found[1]]
            is_joined = True
        elif not found[0].isspace():
            depth += {'(': 1, ')': -1}.get(found[0], 0)
            argument += found[0] == ',' and depth == 1
            is_joined = False
    return literals


class TestExamples(unittest.TestCase):
    maxDiff = None

    def test_every_page_and_block_is_counted(self):
        self.assertEqual(pages_there(), sorted(PAGES))
        for page, counts in PAGES.items():
            counted = collections.Counter(b.kind for b in blocks_of(page))
            self.assertEqual(dict(counted), counts, page)

    def test_every_block_says_what_happens(self):
        for page in PAGES:
            self.run_page(page)

    def run_page(self, page):
        runner = Runner()
        for block in blocks_of(page):
            with self.subTest(page=page, heading=block.heading,
                              line=block.line):
                self.assertEqual('\n'.join(block.body),
                                 '\n'.join(runner.run(block)))
        runner.close()
        self.assertEqual(runner.problems, [], page)

    def test_every_link_leads_somewhere(self):
        self.assertEqual([], [link for page in PAGES
                              for link in broken_links(page)])

    def test_every_file_that_is_named_is_there(self):
        self.assertEqual([], [name for page in PAGES
                              for name in broken_names(page)])

    def test_every_page_can_be_reached_from_the_first(self):
        reached, todo = set(), ['README.md']
        while todo:
            page = todo.pop()
            if page in reached:
                continue
            reached.add(page)
            for target in re.findall(r'\]\(([^)#\s]+\.md)',
                                     read_page(page)):
                todo.append(os.path.normpath(os.path.join(
                    os.path.dirname(page), target)))
        self.assertEqual(set(PAGES) - reached, set())


class TestLanguages(unittest.TestCase):
    """The page about other languages has what is in examples/hosts."""

    def hosts(self, path, pattern):
        with open(os.path.join(SOURCE, path)) as f:
            found = re.findall(pattern, f.read())
        self.assertTrue(found)
        return set(' '.join(found).replace('\\', ' ').split())

    def test_every_program_is_linked(self):
        programs = set(os.listdir(os.path.join(SOURCE, 'examples', 'hosts')))
        self.assertEqual(set(re.findall(r'\]\(\.\./hosts/([^)]+)\)',
                                        read_page(LANGUAGES))),
                         programs - {'run.sh', 'shell.sh'})

    def test_the_table_has_every_host_and_says_which_run_in_ci(self):
        rows = {name: row for row in table_under('What was tried', LANGUAGES)
                for name in re.findall(r'`([^`]+)`', row[0])}
        self.assertEqual(set(rows), self.hosts(
            'examples/hosts/run.sh', r"(?m)^all='([^']*)'"))
        self.assertEqual({name for name in rows if rows[name][3] == 'CI'},
                         self.hosts('.ci/run', r'hosts/run\.sh --install '
                                    r'((?:\\\n|.)*)\n'))


class TestReference(unittest.TestCase):
    maxDiff = None

    def columns(self, table):
        con = connect()
        con.execute("SELECT kv_open(':memory:')")
        rows = con.execute('SELECT name FROM pragma_table_xinfo(?)', (table,))
        names = [name for name, in rows]
        con.close()
        return names

    def test_columns_of_kv_are_all_named(self):
        self.assertEqual(names_in('kv'), self.columns('kv'))

    def test_columns_of_kv_log_are_all_named(self):
        self.assertEqual(names_in('kv_log'), self.columns('kv_log')[:-1])

    def test_columns_of_the_history_tables_are_all_named(self):
        for table in ('kv_diff', 'kv_conflicts', 'kv_changes', 'kv_compaction'):
            columns = self.columns(table)
            columns.remove('store')
            self.assertEqual(names_in(table), columns)

    def test_columns_of_kv_devices_are_all_named(self):
        self.assertEqual(names_in('kv_devices'),
                         self.columns('kv_devices')[:-1])

    def test_columns_of_kv_foreign_are_all_named(self):
        log = self.columns('kv_log')[:-1]
        columns = self.columns('kv_foreign')
        self.assertEqual(columns[:len(log)], log)
        self.assertEqual(names_in('kv_foreign'), ['valid', 'reason'])
        self.assertEqual(columns[len(log):][:2], ['valid', 'reason'])

    def test_columns_of_kv_parstore_are_all_named(self):
        self.assertEqual(names_in('kv_parstore'), self.columns('kv_parstore'))

    def test_functions_are_all_named(self):
        con = connect()
        there = {name for name, in con.execute(
            "SELECT DISTINCT name FROM pragma_function_list"
            " WHERE name LIKE 'kv\\_%' ESCAPE '\\'")}
        there -= {'kv_batch', 'kv_kept', 'kv_missing', 'kv_swept'}  # of the store's statements alone
        con.close()
        named = {re.match(r'\w+', name)[0] for name in names_in('Functions')}
        self.assertEqual(named, there)

    def test_options_are_all_named(self):
        con = connect()
        there = set()
        for sql in ("SELECT kv_open('f', 'd', 'x=1')",
                    "CREATE VIRTUAL TABLE temp.t USING kv('f', x=1)",
                    "SELECT kv_close('x=1', 'kv')"):
            with self.assertRaises(sqlite3.OperationalError) as caught:
                con.execute(sql)
            there |= set(str(caught.exception).split('names are')[1].split())
        con.close()
        named = {re.match(r'\w+', n)[0] for n in names_in('Options')}
        self.assertEqual(named, there)

    def test_states_are_all_named(self):
        with open(os.path.join(SOURCE, 'ext', 'file', 'state.c')) as f:
            words = re.search(r'state_words\[\] = \{([^}]*)\}', f.read())[1]
        there = set(re.findall(r'"(\w+)"', words)) | {'ignored', 'retired'}
        self.assertEqual(set(names_in('States')), there)

    def test_errors_are_all_named(self):
        """By their beginning; the rest is in the message itself."""
        named = [name for row in table_under('Errors', ERRORS)
                 for name in re.findall(r'`kv: ([^`]+)`', row[0])]
        there = messages_of_source()
        self.assertGreater(len(there), 30)
        self.assertEqual([], [message for message in sorted(there) if not any(
            message.startswith(name) for name in named)])
        self.assertEqual([], [name for name in named if not any(
            message.startswith(name) for message in there)])


class TestLimits(unittest.TestCase):
    """Statements of the pages that their examples do not show."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix='kv-limits.')
        self.addCleanup(shutil.rmtree, self.root)
        self.con = connect()
        self.run_sql('SELECT kv_open(?, ?)', self.folder('notes.kv'), 'laptop')

    def tearDown(self):
        self.con.close()

    def folder(self, name):
        return os.path.join(self.root, name)

    def host(self):
        """The store has a persistent cache instead."""
        self.con.close()
        self.con = sqlite3.connect(self.folder('host.db'), isolation_level=None)
        self.con.enable_load_extension(True)
        self.con.load_extension(MODULE)
        self.run_sql("CREATE VIRTUAL TABLE kv USING kv('notes.kv',"
                     " device='laptop')")

    def process(self, device, options=''):
        """A connection with its own cache, like another process."""
        con = connect()
        self.addCleanup(con.close)
        con.execute('SELECT kv_open(?, ?, ?)',
                    (self.folder('notes.kv'), device, options))
        return con

    def run_sql(self, sql, *values):
        return self.con.execute(sql, values).fetchall()

    def assert_fails(self, message, sql, *values):
        with self.assertRaises(sqlite3.Error) as caught:
            self.run_sql(sql, *values)
        self.assertIn(message, str(caught.exception))

    @unittest.skipIf(sqlite3.sqlite_version_info < (3, 35), "RETURNING is of 3.35")
    def test_insert_or_ignore_returning(self):
        self.run_sql("INSERT INTO kv VALUES('x', 1)")
        self.assertEqual(self.run_sql(
            "INSERT OR IGNORE INTO kv VALUES('x', 2) RETURNING key, value"),
            [('x', 2)])
        self.assertEqual(self.run_sql('SELECT changes()'), [(0,)])
        self.assertEqual(self.run_sql("SELECT kv_get('x')"), [(1,)])
        self.assertEqual(self.run_sql(
            "INSERT INTO kv SELECT 'x', 2 WHERE NOT EXISTS (SELECT 1 FROM kv"
            " WHERE key = 'x') RETURNING key, value"), [])

    def test_changes(self):
        before = self.con.total_changes
        self.run_sql("INSERT INTO kv VALUES('x', 1), ('y', 2)")
        self.assertEqual(self.run_sql('SELECT changes()'), [(2,)])
        self.assertGreater(self.con.total_changes, before + 2)

    def test_keys_are_not_converted(self):
        self.run_sql("INSERT INTO kv VALUES('1', 'text')")
        self.run_sql('CREATE TABLE t(i INTEGER)')
        self.run_sql('INSERT INTO t VALUES(1)')
        self.assertEqual(self.run_sql(
            'SELECT value FROM kv JOIN t ON kv.key = t.i'), [])
        self.assertEqual(self.run_sql(
            'SELECT value FROM kv JOIN t ON kv.key = CAST(t.i AS TEXT)'),
            [('text',)])

    def test_insert_or_fail_refuses_a_key_that_exists(self):
        self.run_sql("INSERT INTO kv VALUES('x', 1)")
        for how in ('FAIL', 'ROLLBACK'):
            self.assert_fails('UNIQUE constraint failed: kv.key',
                              "INSERT OR %s INTO kv VALUES('x', 2)" % how)
            self.run_sql("INSERT OR %s INTO kv VALUES(?, 1)" % how, how)
        self.assertEqual(self.run_sql('SELECT * FROM kv'),
                         [('FAIL', 1), ('ROLLBACK', 1), ('x', 1)])

    @unittest.skipIf(sqlite3.sqlite_version_info < (3, 35), "RETURNING is of 3.35")
    def test_returning_works_only_for_insert(self):
        self.assertEqual(self.run_sql(
            "INSERT INTO kv VALUES('x', 1) RETURNING key, value"), [('x', 1)])
        self.assert_fails('RETURNING is not available',
                          'UPDATE kv SET value = 2 RETURNING key')
        self.assert_fails('RETURNING is not available',
                          'DELETE FROM kv RETURNING key')
        self.assertEqual(self.run_sql('SELECT * FROM kv'), [('x', 1)])

    def test_there_is_no_rowid(self):
        for name in ('rowid', 'oid', '_rowid_'):
            self.assert_fails('no such column: ' + name,
                              'SELECT %s FROM kv' % name)

    def test_an_untrusted_schema_has_no_trigger_or_view_of_kv(self):
        self.host()
        self.run_sql('CREATE TABLE t(k)')
        self.run_sql('CREATE TRIGGER r AFTER INSERT ON t'
                     ' BEGIN INSERT INTO kv VALUES(new.k, 1); END')
        self.run_sql('CREATE VIEW v AS SELECT key FROM kv')
        self.run_sql('CREATE TEMP VIEW w AS SELECT key FROM kv')
        self.run_sql("INSERT INTO t VALUES('x')")
        self.run_sql('PRAGMA trusted_schema = OFF')
        unsafe = 'unsafe use of virtual table "kv"'
        if sqlite3.sqlite_version_info >= (3, 40):
            self.assert_fails(unsafe, "INSERT INTO t VALUES('y')")
        self.assert_fails(unsafe, 'SELECT * FROM v')
        self.assertEqual(self.run_sql('SELECT * FROM w'), [('x',)])

    def test_a_foreign_key_to_kv_fails_and_damages_nothing(self):
        self.host()
        self.run_sql("INSERT INTO kv VALUES('x', 1)")
        self.run_sql('CREATE TABLE t(k REFERENCES kv(key))')
        self.run_sql("INSERT INTO t VALUES('x')")
        self.run_sql('PRAGMA foreign_keys = ON')
        self.assert_fails('database disk image is malformed',
                          "INSERT INTO t VALUES('x')")
        self.assertEqual(self.run_sql('PRAGMA integrity_check'), [('ok',)])
        self.run_sql('CREATE TABLE u AS SELECT k FROM t')
        self.run_sql('DROP TABLE t')
        self.run_sql("INSERT INTO u VALUES('x')")
        self.run_sql("DELETE FROM kv WHERE key = 'x'")

    def test_two_caches_of_a_device_do_not_see_each_other(self):
        first, second = self.con, self.process('laptop')
        self.run_sql("INSERT INTO kv VALUES('n', 0)")
        second.execute('SELECT kv_sync()')
        self.run_sql("UPDATE kv SET value = value + 1")
        second.execute("UPDATE kv SET value = value + 10")
        first.execute('SELECT kv_sync()')
        for con in (first, second):
            self.assertEqual(con.execute(
                "SELECT kv_get('n'), (SELECT count(*) FROM kv_conflicts)")
                .fetchall(), [(10, 0)])

        phone = self.process('phone', 'now=%d' % ((time.time() + 200) * 1e6))
        phone.execute("INSERT INTO kv VALUES('c', 'phone')")
        first.execute('SELECT kv_sync()')
        second.execute("INSERT INTO kv VALUES('c', 'laptop, later')")
        for con in (first, second, phone):
            con.execute('SELECT kv_sync()')
            self.assertEqual(con.execute("SELECT kv_get('c')").fetchall(),
                             [('phone',)])
        second.execute("INSERT INTO kv VALUES('c', 'laptop, again')")
        self.assertEqual(second.execute("SELECT kv_get('c')").fetchall(),
                         [('laptop, again',)])

    def test_processes_that_share_a_cache_or_have_names_of_their_own(self):
        self.run_sql("INSERT INTO kv VALUES('n', 0)")
        self.run_sql('SELECT kv_close()')
        self.host()
        self.run_sql('SELECT kv_sync()')
        second = connect()
        self.addCleanup(second.close)
        second.execute('ATTACH ? AS host', (self.folder('host.db'),))
        self.run_sql("UPDATE kv SET value = value + 1")
        second.execute("UPDATE kv SET value = value + 10")
        self.assertEqual(self.run_sql("SELECT kv_get('n')"), [(11,)])

        phone = self.process('phone')
        self.run_sql("UPDATE kv SET value = 'laptop'")
        phone.execute("UPDATE kv SET value = 'phone'")
        phone.execute('SELECT kv_sync()')
        self.assertEqual(phone.execute(
            'SELECT value, lost_value FROM kv_conflicts').fetchall(),
            [('phone', 'laptop')])

    def test_the_past_cannot_be_changed(self):
        self.run_sql("INSERT INTO kv VALUES('x', 1)")
        self.assert_fails('kv: the past cannot be changed',
                          "UPDATE kv SET value = 2 WHERE as_of = 'now'")
        self.run_sql("DELETE FROM kv WHERE as_of = 'now'")
        self.assertEqual(self.run_sql('SELECT * FROM kv'), [])

    def test_errors_of_sqlite(self):
        named = [re.sub(r'"kv"', 'kv', m) for row in re.findall(
            r'(?ms)^## Messages of SQLite itself\n(.*?)(?=^#|\Z)',
            read_page(ERRORS))
            for m in re.findall(r'(?m)^\| (`.*?) \|', row)]
        named = set(re.findall(r'`([^`]+)`', ' '.join(named)))
        seen = set()
        self.run_sql("INSERT INTO kv VALUES('x', 1), ('y', 2)")
        self.run_sql('CREATE VIEW v AS SELECT kv_sync()')
        self.run_sql('CREATE VIEW w AS SELECT * FROM kv_foreign(1)')
        self.run_sql('CREATE VIEW p AS SELECT * FROM kv_parstore(1)')
        host = self.folder('host.db')
        plain = sqlite3.connect(host, isolation_level=None)
        there = connect()
        there.execute('ATTACH ? AS host', (host,))
        there.execute("CREATE VIRTUAL TABLE host.kv USING kv('n.kv',"
                      " device='phone')")
        there.execute('INSERT INTO kv VALUES(1, 1)')
        os.rename(self.folder('n.kv'), self.folder('away'))
        there.execute('INSERT INTO kv VALUES(1, 2)')
        untrusted = connect()
        untrusted.execute("CREATE VIRTUAL TABLE kv USING kv(':memory:')")
        untrusted.execute('CREATE VIEW v AS SELECT * FROM kv')
        untrusted.execute('CREATE VIEW w AS SELECT kv_get(1)')
        untrusted.execute('CREATE TABLE t(k REFERENCES kv(key))')
        untrusted.execute('PRAGMA trusted_schema = OFF')
        untrusted.execute('PRAGMA foreign_keys = ON')
        for con, sql in ((self.con, 'INSERT INTO kv VALUES(NULL, 1)'),
                         (self.con, "UPDATE kv SET key = 'y'"
                                    " WHERE key = 'x'"),
                         (self.con, 'INSERT INTO kv VALUES(1, 2)'
                                    ' ON CONFLICT DO NOTHING'),
                         (self.con, 'SELECT * FROM v'),
                         (self.con, 'SELECT * FROM w'),
                         (self.con, 'SELECT * FROM p'),
                         (untrusted, 'SELECT * FROM v'),
                         (untrusted, 'SELECT * FROM w'),
                         (untrusted, 'INSERT INTO t VALUES(1)'),
                         (connect(), 'SELECT * FROM kv'),
                         (plain, 'SELECT * FROM kv'),
                         (there, 'DROP TABLE kv')):
            with self.assertRaises(sqlite3.Error, msg=sql) as caught:
                con.execute(sql)
            seen.add(str(caught.exception).replace('"kv"', 'kv'))
        there.execute("SELECT kv_close('discard=1', 'kv')")
        there.execute('DROP TABLE kv')
        there.close()
        plain.close()
        untrusted.close()
        self.assertEqual({re.sub('"', '', m) for m in named},
                         {re.sub('"', '', m) for m in seen})

    def test_functions_in_temporary_views(self):
        self.run_sql('CREATE TEMP VIEW v AS SELECT kv_sync()')
        self.assertEqual(self.run_sql('SELECT * FROM v'), [(0,)])

    def test_a_missing_folder_with_a_temp_cache(self):
        self.run_sql("INSERT INTO kv VALUES('x', 1)")
        os.rename(self.folder('notes.kv'), self.folder('away'))
        self.run_sql('BEGIN')
        self.run_sql("INSERT INTO kv VALUES('y', 1)")
        self.assert_fails('is not there', 'COMMIT')
        self.assertFalse(self.con.in_transaction)
        self.assertEqual(self.run_sql('SELECT key FROM kv'), [('x',)])

    def test_a_twin_writes_again(self):
        notes = self.folder('notes.kv')
        log = os.path.join(notes, 'devices', 'laptop', 'log.db')
        self.run_sql("INSERT INTO kv VALUES('x', 1)")
        shutil.copy(log, self.folder('old.db'))
        self.run_sql("INSERT INTO kv VALUES('y', 1)")
        phone = connect()
        phone.execute("SELECT kv_open(?, 'phone')", (notes,))
        phone.execute("INSERT INTO kv VALUES('z', 1)")
        phone.close()
        self.run_sql('SELECT kv_close()')
        shutil.copy(self.folder('old.db'), log)
        self.run_sql('SELECT kv_open(?, ?)', notes, 'laptop')
        self.assertEqual(self.run_sql(
            'SELECT state FROM kv_devices WHERE is_self'), [('twin',)])
        self.assert_fails('kv: device laptop cannot write',
                          "INSERT INTO kv VALUES('w', 1)")
        self.run_sql("SELECT kv_open(?, 'laptop2', 'name=other')", notes)
        self.run_sql("INSERT INTO other VALUES('w', 1)")
        self.run_sql("SELECT kv_open(?, 'laptop', 'adopt=1')", notes)
        self.run_sql("INSERT INTO kv VALUES('v', 1)")
        self.assertEqual(self.run_sql('SELECT key FROM kv'),
                         [('v',), ('w',), ('x',), ('z',)])

    def test_another_name_takes_what_is_not_shared(self):
        notes, theirs = self.folder('notes.kv'), self.folder('theirs.kv')
        log = os.path.join('devices', 'laptop', 'log.db')
        self.run_sql("INSERT INTO kv VALUES('x', 1)")
        shutil.copytree(notes, theirs)
        self.run_sql("INSERT INTO kv VALUES('mine', 1)")
        twin = connect()
        twin.execute("SELECT kv_open(?, 'laptop')", (theirs,))
        twin.execute("INSERT INTO kv VALUES('theirs', 1)")
        twin.close()
        shutil.copy(os.path.join(theirs, log), os.path.join(notes, log))
        self.assert_fails('kv: device laptop cannot write',
                          "INSERT INTO kv VALUES('w', 1)")
        self.run_sql('SELECT kv_sync()')
        self.assertEqual(self.run_sql(
            'SELECT state, unpublished FROM kv_devices WHERE is_self'),
            [('twin', 1)])
        self.run_sql("SELECT kv_open(?, 'laptop2', 'name=other')", notes)
        self.assertEqual(self.run_sql('SELECT key FROM other'),
                         [('mine',), ('theirs',), ('x',)])
        self.run_sql('SELECT kv_close()')


class TestPARStore(unittest.TestCase):
    """Each line of SQL in the table returns what the method returns, according
    to the page."""
    maxDiff = None

    # Who wrote what, and when; None for a deletion. Each writer had seen the
    # one before, except the last two, which had only seen each other's
    # beginning.
    # The times are some way apart, because an acknowledgement takes one, too.
    BASE = 1_793_700_000_000_000
    APART = 10
    WRITTEN = [(1, 'laptop', 'note/a', 'one'), (2, 'laptop', 'title', 'Hello'),
               (3, 'phone', 'note/a', 'two'), (4, 'phone', 'note/b', 'b'),
               (5, 'laptop', 'note/b', None), (6, 'laptop', 'note/a', 'three'),
               (7, 'phone', 'note/a', 'four'), (8, 'laptop', 'stars', 5)]
    PARENTS = {3: 1, 5: 4, 6: 3, 7: 3}

    def at(self, n):
        return self.BASE + n * self.APART

    def change(self, n):
        when, _, key, value = self.WRITTEN[n - 1]
        parent = self.PARENTS.get(n)
        return (self.at(when), parent and self.at(parent), key, value)

    def write(self, device, *numbers):
        for when, name, key, value in (self.WRITTEN[n - 1] for n in numbers):
            self.assertEqual(name, device)
            con = self.cons[device]
            for now in self.at(when) - self.APART // 2, self.at(when):
                con.execute('SELECT kv_open(?, ?, ?)', (
                    os.path.join(self.root, device), device, 'now=%d' % now))
            con.execute('SELECT kv_delete(?)' if value is None else
                        'SELECT kv_set(?, ?)',
                        (key,) if value is None else (key, value))

    def carry(self, source, target):
        path = os.path.join('devices', source)
        shutil.rmtree(os.path.join(self.root, target, path), True)
        shutil.copytree(os.path.join(self.root, source, path),
                        os.path.join(self.root, target, path))

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix='kv-parstore.')
        self.addCleanup(shutil.rmtree, self.root)
        self.cons = {d: connect() for d in ('laptop', 'phone')}
        for con in self.cons.values():
            self.addCleanup(con.close)
        self.write('laptop', 1, 2)
        self.carry('laptop', 'phone')
        self.write('phone', 3, 4)
        self.carry('phone', 'laptop')
        self.write('laptop', 5, 6)
        self.cursor = self.cons['laptop'].execute(
            'SELECT kv_cursor()').fetchone()[0]
        self.write('phone', 7)
        self.write('laptop', 8)
        self.carry('phone', 'laptop')
        self.cons['laptop'].execute('SELECT kv_sync()')

    def expected(self):
        ts = self.at
        changes = [None] + [self.change(n) for n in range(1, 9)]
        newest = {'note/a': 7, 'note/b': 5, 'stars': 8, 'title': 2}
        entries = [('note/a', 'four'), ('stars', 5), ('title', 'Hello')]
        return {
            'allKeys': [(k,) for k, _ in entries],
            'allEntries': entries,
            'fetchPropertyListValueForKey:': [('four',)],
            'fetchPropertyListValueForKey:timestamp:': [('two',)],
            'fetchChangesSinceTimestamp:': changes[5:],
            'fetchChangesSinceTimestamp:forDeviceIdentifier:': [changes[7]],
            'fetchChangesFromTimestamp:toTimestamp:forDeviceIdentifier:':
                [changes[3], changes[4]],
            'fetchMostRecentPredecessorsOfChanges:forDeviceIdentifier:':
                [changes[3]],
            'the one that a change replaced': [changes[3]],
            'fetchMostRecentSuccessorsOfChanges:forDeviceIdentifier:':
                [changes[7]],
            'the ones that replaced it': [changes[6], changes[7]],
            'fetchMostRecentChangesMatchingKeyPrefix:forDeviceIdentifier:':
                [changes[7], changes[4]],
            'the same of all devices': [
                (ts(7), 'note/a', 'four'), (ts(5), 'note/b', None)],
            'mostRecentTimestampsByKey': [
                (k, ts(n)) for k, n in newest.items()],
            'mostRecentTimestampForKey:': [(ts(7),)],
            'mostRecentTimestampsByDeviceIdentifier': [
                ('laptop', ts(8)), ('phone', ts(7))],
            'mostRecentTimestampForDeviceIdentifier:': [(ts(7),)],
            'foreignDeviceIdentifiers': [('phone',)],
            'PARStoreDidLoadNotification': entries,
            'PARStoreDidChangeNotification': [('stars', 5, ts(8))],
            'PARStoreDidSyncNotification': [('note/a', 'four', ts(7))],
        }

    def test_each_line_gives_what_the_method_gives(self):
        values = {'key': 'note/a', 'device': 'phone', 'ts': self.at(4),
                  'parent_ts': self.at(3), 'cursor': self.cursor,
                  'first': self.at(1), 'last': self.at(4),
                  'self': 'laptop'}
        # "Of change 3" asks about a given row of kv_log.
        of_change = {'the ones that replaced it':
                     dict(values, ts=self.at(3))}
        got = {}
        for method, sql in table_under("PARStore's history interface in SQL", PARSTORE):
            name = method.split(', ')[0].strip('`')
            got[name] = self.cons['laptop'].execute(
                sql.strip('`'), of_change.get(name, values)).fetchall()
        self.assertEqual(got, self.expected())

    def test_without_a_device_the_devices_are_all(self):
        expected = {
            'fetchChangesFromTimestamp:toTimestamp:forDeviceIdentifier:':
                [self.change(n) for n in (1, 2, 3, 4)],
            'fetchMostRecentPredecessorsOfChanges:forDeviceIdentifier:':
                [self.change(6)],
            'fetchMostRecentSuccessorsOfChanges:forDeviceIdentifier:': [],
        }
        values = {'key': 'note/a', 'ts': self.at(7),
                  'first': self.BASE, 'last': self.at(4)}
        rows = dict(table_under("PARStore's history interface in SQL", PARSTORE))
        for name, found in expected.items():
            sql = rows['`%s`' % name].strip('`')
            self.assertIn(' AND device = :device', sql)
            sql = sql.replace(' AND device = :device', '')
            self.assertEqual(self.cons['laptop'].execute(
                sql, values).fetchall(), found)


class TestFormat(unittest.TestCase):
    """What ext/log/README.md specifies, the floor plan, and the map of tests."""
    maxDiff = None

    def setUp(self):
        self.text = read_page(FORMAT)
        self.creates = re.findall(r'(?s)```sql\n(.*?)\n```', self.text)
        self.folder = tempfile.mkdtemp(prefix='kv-format.')
        self.addCleanup(shutil.rmtree, self.folder)

    def test_a_log_is_as_specified(self):
        con = connect()
        con.execute('SELECT kv_open(?, ?)', (self.folder, 'laptop'))
        con.execute('INSERT INTO kv VALUES(1, 2)')
        con.close()
        path = os.path.join(self.folder, 'devices', 'laptop', 'log.db')
        log = sqlite3.connect(path)
        self.assertEqual(self.creates, [
            sql for sql, in log.execute('SELECT sql FROM sqlite_master')])
        for pragma, value in (('application_id', 0x4b564c47),
                              ('user_version', 2), ('encoding', 'UTF-8'),
                              ('journal_mode', 'delete'), ('auto_vacuum', 0),
                              ('page_size', 4096)):
            self.assertEqual(log.execute('PRAGMA ' + pragma).fetchone()[0],
                             value, pragma)
        for table, heading in (('device', 'Table device: one row'),
                               ('log', 'Table log: one row for each change')):
            columns = [name for row in table_under(heading, FORMAT)
                       for name in re.findall(r'`(\w+)`', row[0])]
            self.assertEqual(columns, [row[1] for row in log.execute(
                'PRAGMA table_info(%s)' % table)])
        name, host, algo, size = log.execute(
            'SELECT name, host, algo, length(id) FROM device').fetchone()
        self.assertEqual((name, algo, size), ('laptop', 'xxh3-64', 16))
        self.assertRegex(host, r'^([0-9a-f]{16})?$')
        log.close()

    def test_the_shadow_tables_are_as_described(self):
        con = connect()
        con.execute('ATTACH ? AS host', (os.path.join(self.folder, 'host.db'),))
        con.execute("CREATE VIRTUAL TABLE host.kv USING kv('n.kv', device='d')")
        tables = [name for name, in con.execute(
            "SELECT name FROM host.sqlite_master WHERE name LIKE 'kv\\_%'"
            " ESCAPE '\\' AND type = 'table'")]
        self.assertIn('kv_cache', tables)
        for table in tables:
            columns = {row[1] for row in con.execute(
                'PRAGMA host.table_info(%s)' % table)}
            self.assertEqual({name for row in table_under(table, CACHE)
                              for name in re.findall(r'`(\w+)`', row[0])},
                             columns, table)
        con.close()

    def test_a_log_made_by_hand_as_specified_verifies(self):
        path = os.path.join(self.folder, 'log.db')
        log = sqlite3.connect(path, isolation_level=None)
        log.execute('PRAGMA application_id = %d' % 0x4b564c47)
        log.execute('PRAGMA user_version = 2')
        for sql in self.creates:
            log.execute(sql)
        base = re.search(r'base_sum `(-?\d+)`', self.text)[1]
        log.execute("INSERT INTO device VALUES('laptop', "
                    "x'00112233445566778899aabbccddeeff', '', 0, 0, %s, "
                    "NULL, NULL, NULL, 0, 'xxh3-64')" % base)
        rows = [row for row in table_under('The checksum', FORMAT)]
        for row in rows:
            log.execute('INSERT INTO log VALUES(%s)'
                        % ', '.join(cell.strip('`') for cell in row))
        log.close()
        con = connect()
        found = con.execute('SELECT seq, valid, reason FROM kv_foreign(?)',
                            (path,)).fetchall()
        con.close()
        self.assertEqual(found, [(i + 1, 1, None) for i in range(len(rows))])
        self.assertEqual(len(found), 4)

    def test_every_room_is_on_the_floor_plan(self):
        text = read_page(FLOORS)
        floors = folders_of('ext')
        self.assertIn('surface', floors)
        for floor in floors:
            part = re.search(r'(?ms)^#+ %s/(.*?)(?=^#)' % floor, text)
            self.assertTrue(part, 'no section %s/' % floor)
            part = part[1]
            rooms = {os.path.basename(path)[:-2].replace('_windows', '')
                     for path in glob.glob(
                         os.path.join(SOURCE, 'ext', floor, '*.[ch]'))}
            named = set(re.findall(r'`(\w+)`', part))
            self.assertEqual(rooms - named, set(), floor)
            firsts = {name for line in part.split('\n')
                      if line.startswith('| `')
                      for name in re.findall(r'`(\w+)`', line.split('|')[1])}
            self.assertEqual(firsts - rooms, set(), floor)

    def test_every_folder_of_tests_is_on_its_map(self):
        firsts = ' '.join(row[0] for row in table_under('Tests', TESTS))
        self.assertEqual(set(re.findall(r'`(\w+)/`', firsts)),
                         set(folders_of('tests')))


if __name__ == '__main__':
    if sys.argv[1:2] == ['--update']:
        write_outputs(sys.argv[2:] or list(PAGES))
    elif [a for a in sys.argv[1:] if a.endswith('.md')]:
        pages = sys.argv[1:]
        del sys.argv[1:]
        PAGES = {page: PAGES[page] for page in pages}
        unittest.main(defaultTest='TestExamples.test_every_block_says_what_happens')
    else:
        unittest.main()
