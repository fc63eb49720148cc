// How the emulated Windows behaves, and the faults that a test has asked for.

/** Privileges as NODE_TPM2_TEST_ELEVATED spells them. */
export const USER = '0';
export const ADMIN = '1';
export const SYSTEM = 'system';

export const DEFAULTS = Object.freeze({
  /** '0', '1' or 'system' for every process; null: what the process's environment says, else '1'. */
  elevated: null,
  /** '2.0', '1.2' or 'absent'. */
  tpm: '2.0',
  /** 'present', 'bad' (0x80090013) or 'missing' (0x8009001E). */
  provider: 'present',
  /** false: 0x80090030 unless the provider is opened with NCRYPT_IGNORE_DEVICE_STATE_FLAG. */
  providerReady: true,
  /** 1, 0 or 'absent' (the property is not known). */
  securityDescrSupport: 1,
  /** false: a Windows older than 1803, without PCP_RSA_SCHEME and PCP_RSA_SCHEME_HASH_ALG. */
  schemeProperties: true,
  /**
   * Such a Windows refuses them when they are set ('property'), the hash alone ('hash'), or the whole
   * key ('finalize').
   */
  schemeAt: 'property',
  schemeStatus: 0x80090029,
  /** false: NCRYPT_OVERWRITE_KEY_FLAG does nothing, so that a key of that name must be deleted. */
  overwriteHonoured: true,
  /**
   * 'present', 'ecc' (none for RSA), 'empty' (a store without certificates) or 'none' (0x80090011),
   * for everybody.
   */
  ekCertificates: 'present',
  /** The same for a standard user, where 'error' gives 0x80090010. */
  userEkCertificates: 'empty',
  /** Hexadecimal: what PCP_RSA_EKPUB, PCP_EKPUB and PCP_ECC_EKPUB answer instead of the truth. */
  ekPublic: null,
  /** What activation answers a standard user: 0x80090030 or 0x80280084, both were seen. */
  userActivationStatus: 0x80090030,
  /** What a standard user gets who makes or deletes a machine key, and when: 'create', 'finalize'. */
  machineDeniedStatus: 0x80090010,
  machineDeniedAt: 'finalize',
  /** More TBS contexts than this at once: 0x80284009. 0 is no limit. */
  maxContexts: 0,
  /** What asking for the log's size answers: 'success' or 'insufficient' (0x80284005). */
  logSizing: 'success',
  /** How often the log is found to have grown between the question for its size and its reading. */
  logGrowths: 0,
  /** 0: the log calls work; else the status that they answer, e.g. 0x80284011 or 0x80284001. */
  logStatus: 0,
});

/**
 * A rule changes one kind of call: the `nth` that matches from now on (1 is the next) and `times - 1`
 * after it. Where several are due, the first applies.
 *
 *   match:  fn (exact name); ordinal (Tbsip_Submit_Command); property (NCrypt*Property)
 *   effect: status    answer that status and do nothing
 *           inBand    Tbsip_Submit_Command: succeed with a ten-byte response of that code, not run
 *           response  Tbsip_Submit_Command: these bytes (hex) as the response, the command not run
 *           tooSmall  run the command, then answer 0x80284005 however large the buffer is
 *           hold      'status' | 'inBand': wait until Tbsip_Cancel_Commands, and answer 0x8028400D
 *                     or TPM_RC_CANCELED; the command is not run
 *           delayMs   wait, then go on as usual
 *           wait      any call: wait until the test says release(), then go on as usual
 */
const MATCHES = ['fn', 'ordinal', 'property', 'nth', 'times'];
const EFFECTS = ['status', 'inBand', 'response', 'tooSmall', 'hold', 'delayMs', 'wait'];

export class Settings {
  #rules = [];

  constructor() {
    this.reset();
  }

  reset() {
    this.values = { ...DEFAULTS };
    this.#rules = [];
  }

  /** @param {Partial<typeof DEFAULTS> & { rules?: object[] }} change */
  change({ rules = [], ...values }) {
    for (const name of Object.keys(values)) {
      if (!(name in DEFAULTS)) throw new Error(`there is no setting '${name}'`);
    }
    for (const rule of rules) {
      const unknown = Object.keys(rule).find((key) => ![...MATCHES, ...EFFECTS].includes(key));
      if (unknown) throw new Error(`a rule has no '${unknown}'`);
      if (!EFFECTS.some((effect) => effect in rule)) throw new Error('a rule needs an effect');
      if (!rule.fn) throw new Error("a rule needs 'fn'");
    }
    Object.assign(this.values, values);
    this.#rules.push(...rules.map((rule) => ({ nth: 1, times: 1, ...rule, seen: 0 })));
  }

  /** The rule that applies to this call, if any. Every rule counts every call that matches it. */
  ruleFor(call) {
    const matching = this.#rules.filter(
      (rule) =>
        rule.fn === call.fn &&
        (rule.ordinal === undefined || rule.ordinal === call.ordinal) &&
        (rule.property === undefined || rule.property === call.property),
    );
    for (const rule of matching) rule.seen++;
    const due = matching.find((rule) => rule.times > 0 && rule.seen >= rule.nth);
    if (due) due.times--;
    return due ?? null;
  }

  /** Rules that have not been used up: a test can assert that its faults did happen. */
  pendingRules() {
    return this.#rules.filter((rule) => rule.times > 0);
  }
}
