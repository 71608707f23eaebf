"""Make packages of a built extension, without the network.

    make.py --source FOLDER --version VERSION --description TEXT
        --module kv.so --amalgamation FOLDER --xxhash xxhash.h
        --system Linux --machine x86_64 --out FOLDER

The same input makes the same bytes. What is in them is beside this file; the
Debian package is made by CPack (cmake/packages.cmake).
"""

import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
GENERATED = re.compile(r'(^|/)(build[^/]*|__pycache__|\.git)(/|$)')

# What the packages of each system call it: npm, sqlpkg, and Python.
SYSTEMS = {'Linux': ('linux', 'linux'), 'Darwin': ('darwin', 'darwin'),
           'Windows': ('win32', 'windows')}
MACHINES = {'x86_64': ('x64', 'amd64'), 'AMD64': ('x64', 'amd64'),
            'aarch64': ('arm64', 'arm64'), 'arm64': ('arm64', 'arm64')}


def read(*path):
    with open(os.path.join(*path), 'rb') as f:
        return f.read()


def write_zip(path, files):
    """files: the name of each with (bytes, is it executable)."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as out:
        for name, (data, is_executable) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            mode = 0o100755 if is_executable else 0o100644
            entry.external_attr = mode << 16
            out.writestr(entry, data)


def write_tar(path, root, files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w',
                      format=tarfile.USTAR_FORMAT) as out:
        for name, (data, is_executable) in sorted(files.items()):
            entry = tarfile.TarInfo(f'{root}/{name}')
            entry.size = len(data)
            entry.mode = 0o755 if is_executable else 0o644
            entry.mtime = 499162500  # 1985, as npm has it: no date of today
            out.addfile(entry, io.BytesIO(data))
    with open(path, 'wb') as f:
        with gzip.GzipFile('', 'wb', 9, f, mtime=0) as out:
            out.write(buffer.getvalue())


def sources(folder):
    """The files of a checkout, or of an unpacked source package."""
    if os.path.exists(os.path.join(folder, '.git')):
        names = subprocess.check_output(
            ['git', '-C', folder, 'ls-files', '-z']).decode().split('\0')
    else:
        names = [os.path.relpath(os.path.join(at, name), folder)
                 for at, _, found in os.walk(folder) for name in found]
    files = {}
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not GENERATED.search(name):
            files[name] = (read(path), os.access(path, os.X_OK))
    return files


class Packages:
    def __init__(self, a):
        self.version = a.version
        self.description = a.description
        self.out = a.out
        self.module = read(a.module)
        self.suffix = os.path.splitext(a.module)[1]
        self.xxhash = read(a.xxhash)
        self.amalgamation = a.amalgamation
        self.source = a.source
        self.system = a.system
        self.machine = a.machine
        # BSD licenses are to be found with the binary, too.
        notice = re.match(rb'/\*\n(.*?)\n? \*/', self.xxhash, re.S)[1]
        self.licenses = {
            'LICENSE': (read(a.source, 'LICENSE'), False),
            'LICENSE.xxhash': (re.sub(rb'(?m)^ \* ?', b'', notice) + b'\n',
                               False)}

    def path(self, name):
        return os.path.join(self.out, name)

    def json(self, value):
        return (json.dumps(value, indent=2) + '\n').encode(), False

    def make_source(self):
        name = f'sqlite-kv-{self.version}'
        write_tar(self.path(name + '.tar.gz'), name, sources(self.source))

    def make_amalgamation(self):
        files = {name: (read(self.amalgamation, name), False)
                 for name in ('kv.c', 'kv.h')}
        write_zip(self.path(f'sqlite-kv-amalgamation-{self.version}.zip'),
                  {**files, **self.licenses})

    def wheel_platform(self):
        if self.system == 'Linux':
            # The newest symbol that it takes from glibc; pip knows 2.17 on.
            symbols = re.findall(rb'GLIBC_2\.(\d+)', self.module)
            newest = max([17] + [int(n) for n in symbols])
            libc = f'manylinux_2_{newest}' if symbols else 'musllinux_1_2'
            return f'{libc}_{self.machine}'
        if self.system == 'Darwin':
            oldest = '11_0' if self.machine == 'arm64' else '10_13'
            return f'macosx_{oldest}_{self.machine}'
        return 'win_' + MACHINES[self.machine][1]

    def make_wheel(self):
        """https://packaging.python.org/specifications/binary-distribution-format"""
        tag = 'py3-none-' + self.wheel_platform()
        python = os.path.join(HERE, 'python')
        doc = re.match(r'"""(.*?)"""', read(python, '__init__.py').decode(),
                       re.S)[1]
        info = f'sqlite_kv-{self.version}.dist-info'
        files = {
            'sqlite_kv/__init__.py': (read(python, '__init__.py'), False),
            'sqlite_kv/py.typed': (read(python, 'py.typed'), False),
            'sqlite_kv/kv' + self.suffix: (self.module, True),
            info + '/METADATA': ((
                'Metadata-Version: 2.1\n'
                'Name: sqlite-kv\n'
                f'Version: {self.version}\n'
                f'Summary: {self.description}\n'
                'License: MIT\n'
                'License-File: LICENSE\n'
                'License-File: LICENSE.xxhash\n'
                'Classifier: Typing :: Typed\n'
                'Requires-Python: >=3.8\n'
                'Description-Content-Type: text/plain\n'
                f'\n{doc}').encode(), False),
            info + '/WHEEL': ((
                'Wheel-Version: 1.0\n'
                'Generator: sqlite-kv\n'
                'Root-Is-Purelib: false\n'
                f'Tag: {tag}\n').encode(), False),
        }
        for name, file in self.licenses.items():
            files[f'{info}/{name}'] = file
        record = ''
        for name, (data, _) in sorted(files.items()):
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
            record += (f'{name},sha256={digest.decode().rstrip("=")},'
                       f'{len(data)}\n')
        record += f'{info}/RECORD,,\n'
        files[info + '/RECORD'] = (record.encode(), False)
        write_zip(self.path(f'sqlite_kv-{self.version}-{tag}.whl'), files)

    def make_npm(self):
        os_name = SYSTEMS[self.system][0]
        cpu = MACHINES[self.machine][0]
        platform = f'sqlite-kv-{os_name}-{cpu}'
        common = {'version': self.version, 'license': 'MIT'}
        npm = os.path.join(HERE, 'npm')
        write_tar(self.path(f'sqlite-kv-{self.version}.tgz'), 'package', {
            'package.json': self.json({
                'name': 'sqlite-kv', **common,
                'description': self.description,
                'keywords': ['sqlite', 'sqlite-extension', 'sync'],
                'main': 'index.js', 'types': 'index.d.ts',
                'engines': {'node': '>=16'},
                'optionalDependencies': {platform: self.version}}),
            'index.js': (read(npm, 'index.js'), False),
            'index.d.ts': (read(npm, 'index.d.ts'), False),
            'LICENSE': self.licenses['LICENSE']})
        libc = {'libc': ['glibc']} if self.system == 'Linux' else {}
        write_tar(self.path(f'{platform}-{self.version}.tgz'), 'package', {
            'package.json': self.json({
                'name': platform, **common,
                'description': f'sqlite-kv for {os_name} on {cpu}',
                'os': [os_name], 'cpu': [cpu], **libc}),
            'kv' + self.suffix: (self.module, True), **self.licenses})

    def make_sqlpkg(self):
        """https://github.com/nalgeon/sqlpkg-cli: an archive and its spec."""
        os_name = SYSTEMS[self.system][1]
        cpu = MACHINES[self.machine][1]
        name = f'sqlite-kv-{self.version}-{os_name}-{cpu}.zip'
        write_zip(self.path(name), {
            'kv' + self.suffix: (self.module, True), **self.licenses})
        digest = hashlib.sha256(read(self.path(name))).hexdigest()
        spec = self.json({
            'owner': 'sqlite-kv', 'name': 'kv', 'version': self.version,
            'license': 'MIT', 'description': self.description,
            'assets': {'path': '.', 'files': {f'{os_name}-{cpu}': name},
                       'checksums': {name: 'sha256-' + digest}}})
        with open(self.path('sqlpkg.json'), 'wb') as f:
            f.write(spec[0])


def main():
    parser = argparse.ArgumentParser()
    for name in ('source', 'version', 'description', 'module', 'amalgamation',
                 'xxhash', 'system', 'machine', 'out'):
        parser.add_argument('--' + name, required=True)
    packages = Packages(parser.parse_args())
    os.makedirs(packages.out, exist_ok=True)
    packages.make_source()
    packages.make_amalgamation()
    packages.make_wheel()
    packages.make_npm()
    packages.make_sqlpkg()


if __name__ == '__main__':
    main()
