// The installed package, run in every way that this machine has.

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { must } from '../../../scripts/release/shell.mjs';
import { findTarget } from '../../../scripts/release/targets.mjs';
import { expect } from './checks.mjs';
import { installApp, installedPlatforms } from './install.mjs';
import {
  armNode,
  armNodeVersion,
  bun,
  bunVersion,
  muslArmBun,
  muslBun,
  nodeFor,
  nodeVersions,
  toolModules,
} from './runtimes.mjs';

/** Node 20 has the permission model behind an older name. */
const permissionFlag = (version) =>
  version.startsWith('20.') ? '--experimental-permission' : '--permission';

async function checkTypes(checks, folder, runOnSwtpm, root) {
  for (const resolution of ['node16', 'bundler']) {
    await checks.check(`TypeScript, ${resolution} resolution`, async () => {
      const types = path.join(await toolModules(), '@types');
      const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const args = ['-p', `tsconfig.${resolution}.json`, '--typeRoots', types];
      await must(process.execPath, [compiler, ...args], { cwd: folder });
      const compiled = path.join(folder, `out-${resolution}`, 'consumer.mjs');
      await runOnSwtpm([process.execPath, compiled], { expectOutput: /^typed: 16/m });
    });
  }
}

async function checkNode(checks, version, folder, runOnSwtpm) {
  const on = `Node ${version}`;
  let node;
  await checks.check(`${on} is here`, async () => {
    node = await nodeFor(version);
  });
  if (!node) return;
  await checks.check(`${on}: smoke test as ESM`, () => runOnSwtpm([node, 'smoke-test.mjs']));
  await checks.check(`${on}: by require`, () =>
    runOnSwtpm([node, 'consumer.cjs'], { expectOutput: /^required: 16/m }),
  );
  await checks.check(`${on}: smoke test in two workers`, () =>
    runOnSwtpm([node, 'worker.mjs'], { expectOutput: /^worked: two/m }),
  );
  const restricted = [node, permissionFlag(version), '--allow-fs-read=*'];
  await checks.check(`${on}: smoke test under the permission model`, () =>
    runOnSwtpm([...restricted, '--allow-addons', 'smoke-test.mjs']),
  );
  const confined = [node, permissionFlag(version), `--allow-fs-read=${folder}/*`];
  await checks.check(`${on}: smoke test with the application's folder alone to read`, () =>
    runOnSwtpm([...confined, '--allow-addons', 'smoke-test.mjs']),
  );
  await checks.check(`${on}: without --allow-addons the error names it`, async () => {
    const output = await runOnSwtpm([...restricted, 'unavailable.mjs']);
    expectUnavailable(output, /--allow-addons/);
  });
}

/** unavailable.mjs has printed one line of JSON; node's warnings may be around it. */
function expectUnavailable(output, suggestion) {
  const seen = JSON.parse(/^\{.*\}$/m.exec(output)?.[0] ?? 'null');
  expect(seen, `printed no result:\n${output}`);
  expect(seen.available === false, 'isAvailable() is not false');
  expect(seen.code === 'TPM_UNAVAILABLE', `the code is ${seen.code}`);
  expect(suggestion.test(`${seen.message} ${seen.suggestion}`), `it says: ${seen.suggestion}`);
}

async function checkOpenSsl(checks, folder, version) {
  await checks.check('the libcrypto inside the addon is the one we built', async () => {
    const output = await must(process.execPath, ['openssl.cjs'], { cwd: folder });
    const found = JSON.parse(output);
    expect(found.addon.startsWith(`OpenSSL ${version} `), `the addon has ${found.addon}`);
    return `${found.addon}; node's own is ${found.node}`;
  });
}

async function installFor(checks, tarballs, folder, name) {
  const target = findTarget(name);
  let app;
  await checks.check(`${name}: npm installs it from tarballs, without a registry`, async () => {
    await installApp(folder, tarballs, { platform: target });
    const found = installedPlatforms(folder);
    expect(found.join() === target.package, `npm installed ${found.join() || 'no platform'}`);
    app = folder;
  });
  return app;
}

const kGnu = 'node-tpm2-linux-x64-gnu';
const kMusl = 'node-tpm2-linux-x64-musl';

/** As with a package manager that does not look at `libc`. */
async function checkBothLibcs(checks, work, onSwtpm) {
  const both = path.join(work, 'both');
  fs.cpSync(path.join(work, 'native'), both, { recursive: true });
  const modules = path.join('node_modules', kMusl);
  fs.cpSync(path.join(work, 'musl', modules), path.join(both, modules), { recursive: true });
  const run = onSwtpm(both);
  await checks.check('both libcs’ packages, Node on glibc: smoke test', () =>
    run([process.execPath, 'smoke-test.mjs']),
  );
  await checks.check('both libcs’ packages, Bun for musl: smoke test', async () => {
    const { file, env } = await muslBun();
    await run([file, 'smoke-test.mjs'], { env });
  });
  await checks.check(
    'both libcs’ packages, Bun for musl without a report: smoke test',
    async () => {
      const { file, env } = await muslBun();
      await run([file, '--preload', './no-report.cjs', 'smoke-test.mjs'], { env });
    },
  );
}

/** What pnpm makes of the folder `from`: links into a store, and nothing beside them. */
function pnpmLayout(from, folder) {
  const modules = path.join(folder, 'node_modules');
  const inStore = (name) => path.join('.pnpm', `${name}@0`, 'node_modules');
  for (const name of ['node-tpm2', kGnu]) {
    const place = path.join(modules, inStore(name), name);
    fs.cpSync(path.join(from, 'node_modules', name), place, { recursive: true });
  }
  const link = (target, file) =>
    fs.symlinkSync(path.join(modules, target), path.join(modules, file));
  link(path.join(inStore('node-tpm2'), 'node-tpm2'), 'node-tpm2');
  link(path.join(inStore(kGnu), kGnu), path.join(inStore('node-tpm2'), kGnu));
  fs.copyFileSync(path.join(from, 'smoke-test.mjs'), path.join(folder, 'smoke-test.mjs'));
  return folder;
}

export async function checkRuns(checks, { tarballs, opensslVersion }, work, onSwtpm, root) {
  const native = path.join(work, 'native');
  await checks.check('npm chooses this machine by itself', async () => {
    await installApp(native, tarballs);
    const found = installedPlatforms(native);
    expect(found.join() === 'node-tpm2-linux-x64-gnu', `npm installed ${found}`);
  });
  const gnu = onSwtpm(native);
  await checkOpenSsl(checks, native, opensslVersion);
  await checkTypes(checks, native, gnu, root);
  for (const version of nodeVersions) await checkNode(checks, version, native, gnu);
  await checks.check(`Bun ${bunVersion}: smoke test`, async () =>
    gnu([await bun(), 'smoke-test.mjs']),
  );

  const arm = await installFor(checks, tarballs, path.join(work, 'arm64'), 'linux-arm64-gnu');
  if (arm) {
    await checks.check(`linux-arm64, Node ${armNodeVersion} under qemu: smoke test`, async () =>
      onSwtpm(arm)([...(await armNode()), 'smoke-test.mjs']),
    );
  }
  const musl = await installFor(checks, tarballs, path.join(work, 'musl'), 'linux-x64-musl');
  if (musl) {
    await checks.check(`musl, Bun ${bunVersion} for musl: smoke test`, async () => {
      const { file, env } = await muslBun();
      await onSwtpm(musl)([file, 'smoke-test.mjs'], { env });
    });
  }
  if (musl) await checkBothLibcs(checks, work, onSwtpm);
  await checks.check('pnpm’s layout, made by hand: smoke test', async () =>
    onSwtpm(pnpmLayout(native, path.join(work, 'pnpm')))([process.execPath, 'smoke-test.mjs']),
  );
  if (tarballs.platforms['node-tpm2-linux-arm64-musl']) {
    const folder = path.join(work, 'arm64-musl');
    const both = await installFor(checks, tarballs, folder, 'linux-arm64-musl');
    if (both) {
      await checks.check(
        `linux-arm64, Bun ${bunVersion} for musl under qemu: smoke test`,
        async () => onSwtpm(both)([...(await muslArmBun()), 'smoke-test.mjs']),
      );
    }
  } else {
    checks.skip('linux-arm64-musl, under qemu', 'with --all only, as its binary');
  }
  checks.skip('win32-x64', 'npm run test:windows runs it under Wine');
  checks.skip('win32-arm64', 'nothing here runs it');
}

/** What is said where the native part is missing or does not load. */
export async function checkMissing(checks, { tarballs }, work) {
  const bare = path.join(work, 'bare');
  await checks.check('without optional dependencies the remedy is named', async () => {
    await installApp(bare, tarballs, { args: ['--omit=optional'] });
    expect(installedPlatforms(bare).length === 0, 'a platform package was installed');
    const output = await must(process.execPath, ['unavailable.mjs'], { cwd: bare });
    expectUnavailable(output, /--include=optional/);
    // All that was looked for, by its real name.
    expectUnavailable(output, new RegExp(`${path.join(bare, 'node_modules')}.*not installed`));
  });
  await checks.check(
    'without optional dependencies, Bun for musl: its package is named',
    async () => {
      const { file, env } = await muslBun();
      const output = await must(file, ['unavailable.mjs'], { cwd: bare, env });
      expectUnavailable(output, /npm adds node-tpm2-linux-x64-musl/);
    },
  );
  await checks.check('no environment variable makes it load another file', async () => {
    const elsewhere = path.join(work, 'elsewhere');
    const places = { NODE_PATH: 'node_path', HOME: path.join('home', '.node_modules') };
    for (const place of Object.values(places)) {
      const source = path.join(work, 'native', 'node_modules', kGnu);
      fs.cpSync(source, path.join(elsewhere, place, kGnu), { recursive: true });
    }
    const env = {
      NODE_PATH: path.join(elsewhere, places.NODE_PATH),
      HOME: path.join(elsewhere, 'home'),
      NODE_TPM2_ADDON: path.join(elsewhere, places.NODE_PATH, kGnu, 'node_tpm2.node'),
    };
    const resolved = await must(
      process.execPath,
      ['-p', `require.resolve('${kGnu}/node_tpm2.node')`],
      { cwd: bare, env },
    );
    expect(resolved.startsWith(elsewhere), `node itself would take ${resolved}`);
    for (const [name, value] of Object.entries(env)) {
      const options = { cwd: bare, env: { [name]: value } };
      const output = await must(process.execPath, ['unavailable.mjs'], options);
      expectUnavailable(output, /--include=optional/);
    }
  });
  await checks.check('another platform’s node_modules: the remedy is named', async () => {
    const output = await must(process.execPath, ['unavailable.mjs'], {
      cwd: path.join(work, 'arm64'),
    });
    expectUnavailable(output, /lockfile .*node-tpm2-linux-x64-gnu/s);
  });
  await checks.check('a package for another libc does not load, and that is said', async () => {
    const output = await must(process.execPath, ['unavailable.mjs'], {
      cwd: path.join(work, 'musl'),
    });
    expectUnavailable(output, /node-tpm2-linux-x64-musl.*node-tpm2-linux-x64-gnu/s);
  });
  await checks.check('a damaged binary: reinstalling is named', async () => {
    const broken = path.join(work, 'broken');
    fs.cpSync(path.join(work, 'native'), broken, { recursive: true });
    const file = path.join(broken, 'node_modules', 'node-tpm2-linux-x64-gnu', 'node_tpm2.node');
    const handle = fs.openSync(file, 'r+');
    fs.writeSync(handle, Buffer.alloc(4096));
    fs.closeSync(handle);
    const output = await must(process.execPath, ['unavailable.mjs'], { cwd: broken });
    expectUnavailable(output, /Reinstall node-tpm2-linux-x64-gnu/);
    expect(output.includes(`tried ${file}: `), `does not name ${file}:\n${output}`);
  });
  await checks.check('a glibc that is too old: a newer distribution is named', async () => {
    const old = path.join(work, 'old');
    fs.cpSync(path.join(work, 'native'), old, { recursive: true });
    const file = path.join(old, 'node_modules', kGnu, 'node_tpm2.node');
    // The binary then asks for versions that no glibc has, and the loader says so.
    const bytes = fs.readFileSync(file, 'latin1').replaceAll('\0GLIBC_2.', '\0GLIBC_9.');
    fs.writeFileSync(file, bytes, 'latin1');
    const output = await must(process.execPath, ['unavailable.mjs'], { cwd: old });
    expectUnavailable(output, /GLIBC_9.*glibc 2\.28 or newer/s);
  });
  await checks.check('macOS: installs, isAvailable() is false, the reason is plain', async () => {
    const args = ['--require', './macos.cjs', 'unavailable.mjs'];
    const output = await must(process.execPath, args, { cwd: path.join(work, 'native') });
    expectUnavailable(output, /Use Linux or Windows/);
  });
}
