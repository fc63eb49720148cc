// What several files do with tpm2-tools.

/**
 * Makes the storage parent that our keys are under, with tpm2-tools: `parent.ctx`.
 * The TCG template (0x30472) with an empty `unique`, which another content would change.
 */
export async function makeStorageParent(context) {
  const attributes =
    'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt';
  // biome-ignore format: an option and its value stay on one line
  await context.tpm2('createprimary', ['-C', 'o', '-g', 'sha256', '-G', 'ecc256:aes128cfb',
    '-a', attributes, '-c', 'parent.ctx']);
  await context.tools.flush();
}
