// What a binary of a release must be. Pure: from a description to the list of what is wrong.

export const LIMITS = { size: 2 ** 20, glibc: [2, 28], macos: 11 };
const FORMATS = { linux: 'elf', darwin: 'mach-o', win32: 'pe' };
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

const older = (a, b) => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

/** Windows does not tell cases apart. */
const same = (platform) => (platform === 'win32' ? (name) => name.toLowerCase() : (name) => name);

function unexpectedLibraries({ libraries }, target) {
  const fold = same(target.platform);
  const expected = target.libraries.map(fold);
  return libraries.filter((name) => !expected.includes(fold(name)));
}

/** Empty where a binary passes. */
export function problemsOf(binary, target, limits = LIMITS) {
  const problems = [];
  const expect = (holds, text) => holds || problems.push(`expected ${text}`);
  const { format, arch, size, glibc, macos, exports } = binary;
  const strangers = unexpectedLibraries(binary, target);

  expect(format === FORMATS[target.platform], `${FORMATS[target.platform]} but received ${format}`);
  expect(arch === target.arch, `${target.arch} but received ${arch}`);
  expect(size <= limits.size, `at most ${limits.size} bytes but received ${size}`);
  expect(strangers.length === 0, `no library but ${target.libraries} and received ${strangers}`);
  expect(`${exports}` === `${EXPORTS}`, `the exports ${EXPORTS} but received ${exports}`);
  if (format === 'elf') expect(binary.staysLoaded, 'the flag NODELETE');
  if (target.libc === 'glibc')
    expect(
      glibc && !older(limits.glibc, glibc),
      `glibc ${limits.glibc.join('.')} or older but received ${glibc?.join('.')}`,
    );
  if (target.libc === 'musl') expect(!glibc, `no glibc but received ${glibc?.join('.')}`);
  if (target.platform === 'darwin')
    expect(macos <= limits.macos, `macOS ${limits.macos} but received ${macos}`);
  return problems;
}
