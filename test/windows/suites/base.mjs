// The base API through TBS: the same test bodies as on Linux.
import '../../js/base.test.mjs';
