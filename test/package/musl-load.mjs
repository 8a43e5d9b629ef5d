// No Node for musl is in the registry, so the musl binary is loaded by a host of our own under musl's loader, as Alpine's:
// every symbol must be found there at once (the binary is linked with BIND_NOW), Node-API's in the host.
// Needs Debian's packages musl and musl-tools.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../prebuilds/linux-x64/requant.musl.node', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'requant-musl-'));

const symbols = execFileSync('readelf', ['-W', '--dyn-syms', binary], { encoding: 'utf8' });
const wanted = [...symbols.matchAll(/UND (\w+)$/gm)].map(([, name]) => name);
const nodeApi = wanted.filter((name) => /^(node_api|napi)_/.test(name));

const HOST = `
#include <dlfcn.h>
#include <stdio.h>
${nodeApi.map((name) => `int ${name}(void) { return 9; }`).join('\n')}
int main(int count, char** arguments) {
  void* const addon = dlopen(arguments[count - 1], RTLD_NOW);
  if (addon == NULL) return puts(dlerror()), 1;
  int (*const version)(void) = (int (*)(void))dlsym(addon, "node_api_module_get_api_version_v1");
  if (version == NULL || dlsym(addon, "napi_register_module_v1") == NULL) return puts("no module"), 1;
  return printf("Node-API %d\\n", version()), 0;
}`;

try {
  const host = path.join(folder, 'host');
  writeFileSync(`${host}.c`, HOST);
  execFileSync('musl-gcc', ['-rdynamic', `${host}.c`, '-o', host]);
  const interpreter = execFileSync('readelf', ['-lW', host], { encoding: 'utf8' }).match(
    /interpreter: (.*)\]/,
  )[1];
  const said = execFileSync(host, [binary], { encoding: 'utf8' }).trim();
  if (said !== 'Node-API 8') throw new Error(`expected Node-API 8 but received ${said}`);
  console.log(
    `linux-x64-musl: loaded by ${interpreter}, ${nodeApi.length} symbols of Node-API, ${wanted.length - nodeApi.length} of musl; ${said}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
