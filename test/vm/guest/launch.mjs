// node launch.mjs USER SCENARIO: becomes the user, with the groups that /etc/group gives, and runs
// the scenario in this same process.
import { readFileSync } from 'node:fs';

const [user, scenario] = process.argv.slice(2);
const account = readFileSync('/etc/passwd', 'utf8')
  .split('\n')
  .map((line) => line.split(':'))
  .find(([name]) => name === user);
const [uid, gid] = account.slice(2, 4).map(Number);
if (uid !== 0) {
  process.initgroups(user, gid);
  process.setgid(gid);
  process.setuid(uid);
}
await import(new URL(`../scenarios/${scenario}.mjs`, import.meta.url));
const { finish } = await import('./scenario.mjs');
await finish();
