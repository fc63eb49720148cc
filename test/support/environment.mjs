import process from 'node:process';

/**
 * The environment for other people's programs: ours, without the sanitizer that may be preloaded
 * into this process and without a TPM that a person may have chosen for theirs.
 * @param {NodeJS.ProcessEnv} [more]
 * @returns {NodeJS.ProcessEnv}
 */
export function childEnvironment(more = {}) {
  const { LD_PRELOAD, TPM2TOOLS_TCTI, ...rest } = process.env;
  return { ...rest, ...more };
}
