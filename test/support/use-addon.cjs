// Required by NODE_OPTIONS before everything else: another build of the addon takes the place of
// the one that native.cjs finds. Test code, so that the package itself need not look at a variable
// that decides which native code it loads.
'use strict';

const path = require('node:path');

const wanted = process.env.NODE_TPM2_TEST_ADDON;
const { dlopen } = process;

if (wanted) {
  process.dlopen = (module, file, ...flags) => {
    const chosen = path.basename(file) === 'node_tpm2.node' ? wanted : file;
    return dlopen.call(process, module, chosen, ...flags);
  };
}
