"""Packages, made from the source package and each used from an empty place.

    /usr/bin/python3 tests/packages/test_packages.py

Makes the source package, builds the others from what is in it, and installs
them below BUILD (build/packages-test), never into this machine. NODE is one that
has node:sqlite, if node has not. A tool that is missing skips its test with a word;
KV_REQUIRE_ALL makes that a failure. What npm's registry has and cannot be had is
none. .ci/run calls this once.

Debian: gcc clang gcc-mingw-w64-x86-64 cmake dpkg-dev man-db npm python3-venv
"""

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import unittest
import zipfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get(
    'BUILD', os.path.join(SOURCE, 'build', 'packages-test')))
UNPACKED = os.path.join(BUILD, 'unpacked')
BINARY = os.path.join(BUILD, 'build')
PACKAGES = os.path.join(BINARY, 'packages')

# No binary that is handed out takes a newer symbol from glibc.
NEWEST_GLIBC = (2, 28)

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wstrict-prototypes',
            '-Wshadow', '-Werror']

sys.path.insert(0, os.path.join(SOURCE, 'cmake', 'packages'))
sys.dont_write_bytecode = True
import make  # noqa: E402


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise AssertionError(f'{" ".join(command)}\n{done.stdout}')
    return done.stdout


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            if os.environ.get('KV_REQUIRE_ALL'):
                raise AssertionError(f'{tool} is not here')
            raise unittest.SkipTest(f'{tool} is not here')


def version():
    with open(os.path.join(SOURCE, 'CMakeLists.txt')) as f:
        return re.search(r'project\(sqlite-kv VERSION (\S+)', f.read())[1]


def package(pattern):
    found = [name for name in os.listdir(PACKAGES) if re.fullmatch(pattern, name)]
    assert len(found) == 1, (pattern, os.listdir(PACKAGES))
    return os.path.join(PACKAGES, found[0])


def empty(name):
    path = os.path.join(BUILD, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def unpack(path, into):
    kind = zipfile.ZipFile if path.endswith('.zip') else tarfile.open
    with kind(path) as archive:
        archive.extractall(into)
    return into


def session(module, folder):
    """Two devices in the shell with the module at that path."""
    out = ''
    for device, sql in (('laptop', "INSERT INTO kv VALUES('title', 'Hello')"),
                        ('phone', 'SELECT key, value, device FROM kv')):
        out += run('sqlite3', '-batch', '-init', os.devnull, ':memory:',
                   f".load '{module}'",
                   f"SELECT kv_open('{folder}/notes.kv', '{device}')", sql)
    return out


SESSION = 'laptop\nphone\ntitle|Hello|laptop\n'


def setUpModule():
    need('cmake', 'sqlite3', 'cc')
    os.makedirs(BUILD, exist_ok=True)
    made = os.path.join(BUILD, 'source.tar.gz')
    make.write_tar(made, f'sqlite-kv-{version()}', make.sources(SOURCE))
    for folder in UNPACKED, BINARY:  # files in there have one date
        shutil.rmtree(folder, ignore_errors=True)
    unpack(made, UNPACKED)
    run('cmake', '-S', os.path.join(UNPACKED, f'sqlite-kv-{version()}'), '-B',
        BINARY, '-DKV_PACKAGES=ON', '-DKV_WERROR=ON')
    run('cmake', '--build', BINARY, '--target', 'packages', '--parallel', '2')


class TestBinary(unittest.TestCase):
    def test_needs_no_new_glibc(self):
        need('objdump')
        out = run('objdump', '-T', os.path.join(BINARY, 'stripped', 'kv.so'))
        symbols = re.findall(r'GLIBC_([\d.]+)\)? +(\w+)', out)
        self.assertTrue(symbols, out)
        new = [(name, number) for number, name in symbols
               if tuple(map(int, number.split('.'))) > NEWEST_GLIBC]
        self.assertEqual(new, [])

    def test_install_strips(self):
        need('readelf')
        folder = empty('installed')
        run('cmake', '--install', BINARY,
            env={**os.environ, 'DESTDIR': folder})
        modules = [os.path.join(at, name) for at, _, names in os.walk(folder)
                   for name in names if name == 'kv.so']
        self.assertEqual(len(modules), 1)
        self.assertIn('.symtab', run(
            'readelf', '-SW', os.path.join(BINARY, 'kv.so')))
        self.assertNotRegex(run('readelf', '-SW', modules[0]),
                            r'\.(symtab|debug_)')

    def test_the_version_stands_in_one_place(self):
        found = []
        for name, (data, _) in make.sources(SOURCE).items():
            if re.match(r'CMakeLists.txt|cmake/|ext/.*\.[ch]$|sql/', name):
                found += [name] * data.decode().count(version())
        self.assertEqual(found, ['CMakeLists.txt'])


class TestSource(unittest.TestCase):
    def test_it_makes_itself(self):
        with open(package(r'sqlite-kv-[\d.]+\.tar\.gz'), 'rb') as made, open(
                os.path.join(BUILD, 'source.tar.gz'), 'rb') as first:
            self.assertEqual(made.read(), first.read())

    def test_a_program_has_it_as_a_part(self):
        """Neither SQLite's library is asked for, nor are examples and tests
        built."""
        folder = empty('part')
        for name in 'CMakeLists.txt', 'app.c':
            shutil.copy(os.path.join(SOURCE, 'tests', 'packages', 'part', name),
                        folder)
        os.symlink(os.path.join(UNPACKED, f'sqlite-kv-{version()}'),
                   folder + '/sqlite-kv')
        # The linker's name of the library, which CMake may not look for.
        env = {**os.environ, 'KV_LIBRARY': '-lsqlite3'}
        run('cmake', '-S', folder, '-B', folder + '/build', env=env)
        targets = run('cmake', '--build', folder + '/build', '--target', 'help')
        self.assertRegex(targets, r'\bapp\b')
        self.assertNotRegex(targets, r'\b(embed|test_\w+|kv_bench)\b')
        run('cmake', '--build', folder + '/build', '--target', 'app',
            '--parallel', '2', env=env)
        run(folder + '/build/app')


class TestOneFile(unittest.TestCase):
    def setUp(self):
        self.folder = unpack(package(r'sqlite-kv-amalgamation-[\d.]+\.zip'),
                             empty('one-file'))

    def compile(self, compiler, *options):
        need(compiler)
        return run(compiler, *WARNINGS, '-O1', '-shared', 'kv.c', *options,
                   cwd=self.folder)

    def test_clang(self):
        self.compile('clang', '-fPIC', '-o', 'kv.so')
        self.assertEqual(session(self.folder + '/kv', self.folder), SESSION)

    def test_windows(self):
        header = run('cc', '-M', '-x', 'c', os.devnull, '-include',
                     'sqlite3ext.h')
        for path in re.findall(r'\S+/sqlite3(?:ext)?\.h', header):
            shutil.copy(path, self.folder)
        self.compile('x86_64-w64-mingw32-gcc', '-o', 'kv.dll')
        self.assertEqual(
            re.findall(r'\] (sqlite3_\w+)', run(
                'x86_64-w64-mingw32-objdump', '-p', 'kv.dll',
                cwd=self.folder)),
            ['sqlite3_extension_init', 'sqlite3_kv_init'])


class TestDebian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need('dpkg-shlibdeps', 'dpkg', 'man')
        cls.deb = package(r'libsqlite3-mod-kv_[\d.]+_\w+\.deb')
        cls.root = empty('debian')
        os.makedirs(cls.root + '/var/lib/dpkg/updates')
        os.makedirs(cls.root + '/var/lib/dpkg/info')
        open(cls.root + '/var/lib/dpkg/status', 'w').close()
        run('dpkg', '--root=' + cls.root, '--log=/dev/null',
            '--force-not-root', '--force-depends',
            '--path-include=/usr/share/*', '--install', cls.deb)
        cls.files = run('dpkg', '--root=' + cls.root, '--listfiles',
                        'libsqlite3-mod-kv').split()

    def text(self, path):
        with open(self.root + path, 'rb') as f:
            data = f.read()
        return (make.gzip.decompress(data) if path.endswith('.gz')
                else data).decode()

    def module(self):
        name, = [f for f in self.files if f.endswith('/kv.so')]
        return name

    def test_it_needs_what_it_says(self):
        depends = run('dpkg-deb', '--field', self.deb, 'Depends').strip()
        number = re.fullmatch(r'libc6 \(>= ([\d.]+)\)', depends)[1]
        self.assertLessEqual(tuple(map(int, number.split('.'))), NEWEST_GLIBC)

    def test_loads_from_where_pkg_config_and_the_manual_say(self):
        pc, = [f for f in self.files if f.endswith('/sqlite-kv.pc')]
        words = dict(re.findall(r'(?m)^(\w+)=(.*)$', self.text(pc)))
        folder = words['moduledir']
        while '${' in folder:
            folder = re.sub(r'\$\{(\w+)\}', lambda m: words[m[1]], folder)
        self.assertEqual(folder + '/kv.so', self.module())
        self.assertIn(f'Version: {version()}\n', self.text(pc))
        page = self.text('/usr/share/man/man7/sqlite-kv.7.gz')
        self.assertIn(f'.load {folder}/kv', page)
        self.assertIn(pc, page)
        self.assertEqual(session(self.root + folder + '/kv',
                                 empty('debian-session')), SESSION)

    def test_the_module_is_stripped_and_no_program(self):
        path = self.root + self.module()
        self.assertNotRegex(run('readelf', '-SW', path),
                            r'\.(symtab|debug_)')
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)

    def test_the_manual_page_reads_well(self):
        page = self.root + '/usr/share/man/man7/sqlite-kv.7.gz'
        out = run('man', '--warnings', '--local-file', page,
                  env={**os.environ, 'MANWIDTH': '80', 'LC_ALL': 'C.UTF-8',
                       'MAN_KEEP_FORMATTING': '', 'PAGER': 'cat'})
        self.assertNotIn('warning', out)
        self.assertIn(f'sqlite-kv {version()}', out)
        self.assertIn('kv_open(FOLDER, DEVICE)', out)

    def test_the_manual_page_names_what_is_there(self):
        names = set(re.findall(r'\bkv_\w+', self.text(
            '/usr/share/man/man7/sqlite-kv.7.gz')))
        there = run(
            'sqlite3', '-batch', '-init', os.devnull, ':memory:',
            f".load '{self.root}{self.module()[:-3]}'",
            'SELECT name FROM pragma_function_list '
            'UNION SELECT name FROM pragma_module_list').split()
        self.assertEqual(sorted(names - set(there)), [])

    def test_has_copyright_and_changelog(self):
        doc = '/usr/share/doc/libsqlite3-mod-kv/'
        text = self.text(doc + 'copyright')
        with open(os.path.join(SOURCE, 'LICENSE')) as f:
            holder = re.search('Copyright .*', f.read())[0]
        self.assertIn(holder.replace('(c) ', '').replace('Copyright', ''), text)
        self.assertIn('Yann Collet', text)
        self.assertIn(f'## [{version()}]', self.text(doc + 'changelog.gz'))


class TestWheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.wheel = package(r'sqlite_kv-[\d.]+-py3-none-\w+\.whl')
        cls.folder = empty('wheel')
        cls.python = cls.folder + '/venv/bin/python'
        try:
            run('/usr/bin/python3', '-m', 'venv', cls.folder + '/venv')
        except AssertionError:
            if os.environ.get('KV_REQUIRE_ALL'):
                raise
            raise unittest.SkipTest('python3-venv is not here')
        run(cls.python, '-m', 'pip', 'install', '--no-index', cls.wheel)

    def python_run(self, program):
        return run(self.python, '-I', '-c', program, cwd=self.folder)

    def test_the_documented_program_runs(self):
        doc = self.python_run('import sqlite_kv; print(sqlite_kv.__doc__)')
        lines = [line[4:] for line in doc.split('\n')
                 if line.startswith('    ')]
        self.assertIn('sqlite_kv.load(con)', lines)
        lines[-1] = f'print({lines[-1]})'
        self.assertEqual(self.python_run('\n'.join(lines)),
                         "[('title', 'Hello')]\n")

    def test_says_which_version_it_is(self):
        self.assertEqual(self.python_run('''
import sqlite3, sqlite_kv
con = sqlite3.connect(':memory:')
sqlite_kv.load(con)
sqlite_kv.load(con)
print(sqlite_kv.__version__, *con.execute('SELECT kv_version()').fetchone())
'''), f'{version()} {version()}\n')

    def test_other_extensions_stay_forbidden(self):
        self.assertIn('not authorized', self.python_run('''
import sqlite3, sqlite_kv
con = sqlite3.connect(':memory:')
sqlite_kv.load(con)
try:
    con.load_extension(sqlite_kv.loadable_path())
except sqlite3.OperationalError as e:
    print(e)
'''))

    def test_a_python_that_cannot_load_is_told_so(self):
        self.assertIn('built without loading', self.python_run('''
import sqlite3, sqlite_kv
try:
    sqlite_kv.load(object())
except sqlite3.NotSupportedError as e:
    print(e)
'''))

    def test_loadable_path_is_for_the_shell_and_others(self):
        path = self.python_run(
            'import sqlite_kv; print(sqlite_kv.loadable_path())').strip()
        self.assertTrue(path.startswith(self.folder))
        self.assertEqual(session(path, empty('wheel-session')), SESSION)

    def test_is_typed_and_licensed(self):
        found = run(self.python, '-m', 'pip', 'show', '--files', 'sqlite-kv')
        for name in ('sqlite_kv/py.typed', '/LICENSE', '/LICENSE.xxhash'):
            self.assertIn(name, found)
        self.assertEqual(self.python_run('''
import typing, sqlite_kv
for function in sqlite_kv.load, sqlite_kv.loadable_path:
    print(typing.get_type_hints(function), bool(function.__doc__))
'''), "{'connection': <class 'sqlite3.Connection'>, 'return': "
            "<class 'NoneType'>} True\n{'return': <class 'str'>} True\n")

    def test_its_record_is_true(self):
        with zipfile.ZipFile(self.wheel) as wheel:
            record, = [n for n in wheel.namelist() if n.endswith('/RECORD')]
            rows = list(csv.reader(io.StringIO(wheel.read(record).decode())))
            self.assertEqual(sorted(row[0] for row in rows),
                             sorted(wheel.namelist()))
            for name, digest, size in rows:
                data = wheel.read(name)
                if name != record:
                    sha = hashlib.sha256(data).digest()
                    sha = base64.urlsafe_b64encode(sha).decode().rstrip('=')
                    self.assertEqual([digest, int(size)],
                                     ['sha256=' + sha, len(data)], name)


class TestNpm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need('npm', 'node')
        cls.folder = empty('npm')
        with open(cls.folder + '/package.json', 'w') as f:
            f.write('{"private": true}')
        run('npm', 'install', '--offline', '--no-audit', '--no-fund',
            package(r'sqlite-kv-[\d.]+\.tgz'),
            package(r'sqlite-kv-\w+-\w+-[\d.]+\.tgz'), cwd=cls.folder)

    def typescript(self):
        at = os.path.join(BUILD, 'npm-tools')
        try:
            run('npm', 'install', '--no-audit', '--no-fund', '--no-save',
                '--prefix', at, 'typescript@5')
        except AssertionError as e:
            raise unittest.SkipTest(f'cannot be had here: {e}')
        return at + '/node_modules/.bin/tsc'

    def test_the_path_is_for_the_shell_and_others(self):
        path = run('node', '-p', 'require("sqlite-kv").getLoadablePath()',
                   cwd=self.folder).strip()
        self.assertTrue(path.startswith(self.folder))
        self.assertEqual(session(path, empty('npm-session')), SESSION)

    def test_a_platform_without_a_package_is_told_so(self):
        out = run('node', '-e', '''
Object.defineProperty(process, 'arch', { value: 'vax' });
try { require('sqlite-kv').getLoadablePath(); } catch (e) { console.log(e.message); }
''', cwd=self.folder)
        self.assertRegex(out, 'package sqlite-kv-linux-vax is not installed')

    def test_the_documented_program_runs(self):
        for node in 'node', os.environ.get('NODE', 'node'):
            if shutil.which(node) and subprocess.call(
                    [node, '-e', 'require("node:sqlite")'],
                    stderr=subprocess.DEVNULL) == 0:
                break
        else:
            raise unittest.SkipTest(f'{node} has no node:sqlite: give NODE')
        shutil.copy(os.path.join(SOURCE, 'cmake', 'packages', 'npm',
                                 'example.mjs'), self.folder)
        out = run(node, '--no-warnings', 'example.mjs', cwd=self.folder)
        self.assertRegex(out, "key: 'stars',\\s+value: 5,\\s+"
                              "'typeof\\(value\\)': 'integer'")

    def test_its_types_are_right(self):
        tsc = self.typescript()
        with open(self.folder + '/right.ts', 'w') as f:
            f.write('''import { getLoadablePath, load } from 'sqlite-kv';
const path: string = getLoadablePath();
load({ loadExtension(path: string) {} });
''')
        options = ['--strict', '--noEmit', '--module', 'nodenext', '--target',
                   'es2022']
        run('node', tsc, *options, 'right.ts', cwd=self.folder)
        with open(self.folder + '/wrong.ts', 'w') as f:
            f.write("import { load } from 'sqlite-kv';\nload(5);\n")
        with self.assertRaisesRegex(AssertionError, r'wrong\.ts\(2,6\)'):
            run('node', tsc, *options, 'wrong.ts', cwd=self.folder)

    def test_has_licenses_and_one_version(self):
        at = self.folder + '/node_modules/'
        platform, = [n for n in os.listdir(at) if n.startswith('sqlite-kv-')]
        self.assertIn('LICENSE.xxhash', os.listdir(at + platform))
        self.assertIn('LICENSE', os.listdir(at + 'sqlite-kv'))
        with open(at + 'sqlite-kv/package.json') as f:
            main = json.load(f)
        self.assertEqual(main['version'], version())
        self.assertEqual(main['optionalDependencies'], {platform: version()})


class TestSqlpkg(unittest.TestCase):
    def test_the_spec_leads_to_the_module(self):
        with open(package('sqlpkg.json')) as f:
            spec = json.load(f)
        self.assertEqual(spec['version'], version())
        for name in ('owner', 'name', 'description', 'license'):
            self.assertTrue(spec[name])
        (platform, name), = spec['assets']['files'].items()
        self.assertRegex(platform, r'^(linux|darwin|windows)-(amd64|arm64)$')
        path = os.path.join(PACKAGES, spec['assets']['path'], name)
        with open(path, 'rb') as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        self.assertEqual(spec['assets']['checksums'],
                         {name: 'sha256-' + digest})
        folder = unpack(path, empty('sqlpkg'))
        self.assertEqual(sorted(os.listdir(folder)),
                         ['LICENSE', 'LICENSE.xxhash', 'kv.so'])
        self.assertEqual(session(folder + '/kv', folder), SESSION)


if __name__ == '__main__':
    unittest.main(verbosity=2)
