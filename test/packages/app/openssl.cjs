// Prints the version of the libcrypto that runs inside the addon, and of the one inside node.
const { readdirSync } = require('node:fs');
const path = require('node:path');

const modules = path.join(__dirname, 'node_modules');
const [name] = readdirSync(modules).filter((entry) => entry.startsWith('node-tpm2-'));
const binding = require(path.join(modules, name, 'node_tpm2.node'));
console.log(JSON.stringify({ addon: binding.opensslVersion, node: process.versions.openssl }));
