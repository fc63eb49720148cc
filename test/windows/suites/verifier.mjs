// The verifier's functions, which need no TPM, as the addon for Windows has them: the same test bodies
// as on Linux.
import '../../js/verifier.test.mjs';
