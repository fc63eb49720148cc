// What several files do with tpm2-tools.

/**
 * Makes the storage parent that our keys are under, with tpm2-tools: `parent.ctx`.
 * The TCG template (0x30472) with an empty `unique`, which another content would change.
 * @param {Buffer} [auth] the parent's own auth value
 */
export async function makeStorageParent(context, auth) {
  const attributes =
    'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt';
  // biome-ignore format: an option and its value stay on one line
  await context.tpm2('createprimary', ['-C', 'o', '-g', 'sha256', '-G', 'ecc256:aes128cfb',
    '-a', attributes, '-c', 'parent.ctx', ...(auth ? ['-p', `hex:${auth.toString('hex')}`] : [])]);
  await context.tools.flush();
}
