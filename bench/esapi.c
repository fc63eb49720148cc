/* E: the same operations through the C library tss2-esys, in C, over its own swtpm. Answers turns
   as turns.h says. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

enum { kAtOnce = 100, kMaxLine = 128 };
#define NONE ESYS_TR_NONE
#define PASSWORD ESYS_TR_PASSWORD

enum LeafKind { kKey, kAttestationKey, kSealed, kLeafKinds };

struct Leaf {
  TPM2B_PRIVATE* private_area;
  TPM2B_PUBLIC* public_area;
};

static ESYS_CONTEXT* esys;
static ESYS_TR parent = ESYS_TR_NONE;
static ESYS_TR loaded = ESYS_TR_NONE; /* one leaf at a time: a TPM has few slots */
static ESYS_TR kept_session = ESYS_TR_NONE;
static struct Leaf leaves[kLeafKinds];
static const TPML_PCR_SELECTION kEightPcrs = {
    .count = 1, .pcrSelections = {{TPM2_ALG_SHA256, 3, {0xff, 0, 0}}}};
static const TPML_PCR_SELECTION kNoPcrs = {.count = 0};
static const TPMT_SYM_DEF kAes128Cfb = {
    .algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {.aes = TPM2_ALG_CFB}};

static void Check(TSS2_RC rc, const char* what) {
  if (rc == TSS2_RC_SUCCESS) return;
  printf("! %s: 0x%08" PRIx32 "\n", what, rc);
  exit(1);
}

static uint64_t Now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* --- what is made ---------------------------------------------------------------------------- */

static TPM2B_PUBLIC EccKey(TPMA_OBJECT attributes) {
  TPM2B_PUBLIC area = {0};
  area.publicArea.type = TPM2_ALG_ECC;
  area.publicArea.nameAlg = TPM2_ALG_SHA256;
  area.publicArea.objectAttributes = attributes | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                     TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                     TPMA_OBJECT_NODA;
  TPMS_ECC_PARMS* parms = &area.publicArea.parameters.eccDetail;
  parms->symmetric.algorithm = TPM2_ALG_NULL;
  parms->scheme.scheme = TPM2_ALG_NULL;
  parms->kdf.scheme = TPM2_ALG_NULL;
  parms->curveID = TPM2_ECC_NIST_P256;
  return area;
}

static TPM2B_PUBLIC StorageParent(void) {
  TPM2B_PUBLIC area = EccKey(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT);
  area.publicArea.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_AES;
  area.publicArea.parameters.eccDetail.symmetric.keyBits.aes = 128;
  area.publicArea.parameters.eccDetail.symmetric.mode.aes = TPM2_ALG_CFB;
  return area;
}

static TPM2B_PUBLIC LeafArea(enum LeafKind kind) {
  TPM2B_PUBLIC area = EccKey(TPMA_OBJECT_SIGN_ENCRYPT);
  if (kind == kAttestationKey) {
    TPMT_ECC_SCHEME* scheme = &area.publicArea.parameters.eccDetail.scheme;
    area.publicArea.objectAttributes |= TPMA_OBJECT_RESTRICTED;
    scheme->scheme = TPM2_ALG_ECDSA;
    scheme->details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  }
  if (kind == kSealed) {
    memset(&area, 0, sizeof area);
    area.publicArea.type = TPM2_ALG_KEYEDHASH;
    area.publicArea.nameAlg = TPM2_ALG_SHA256;
    area.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                       TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
    area.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  }
  return area;
}

static ESYS_TR CreatePrimary(void) {
  TPM2B_PUBLIC area = StorageParent();
  TPM2B_SENSITIVE_CREATE sensitive = {0};
  TPM2B_DATA outside = {0};
  TPM2B_PUBLIC* out_public = NULL;
  TPM2B_CREATION_DATA* creation = NULL;
  TPM2B_DIGEST* hash = NULL;
  TPMT_TK_CREATION* ticket = NULL;
  ESYS_TR made = NONE;
  Check(Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, PASSWORD, NONE, NONE, &sensitive, &area,
                           &outside, &kNoPcrs, &made, &out_public, &creation, &hash, &ticket),
        "Esys_CreatePrimary");
  Esys_Free(out_public);
  Esys_Free(creation);
  Esys_Free(hash);
  Esys_Free(ticket);
  return made;
}

static struct Leaf Create(enum LeafKind kind) {
  TPM2B_PUBLIC area = LeafArea(kind);
  TPM2B_SENSITIVE_CREATE sensitive = {0};
  TPM2B_DATA outside = {0};
  struct Leaf leaf = {NULL, NULL};
  TPM2B_CREATION_DATA* creation = NULL;
  TPM2B_DIGEST* hash = NULL;
  TPMT_TK_CREATION* ticket = NULL;
  if (kind == kSealed) {
    sensitive.sensitive.data.size = 32;
    memset(sensitive.sensitive.data.buffer, 0x5a, 32);
  }
  Check(Esys_Create(esys, parent, PASSWORD, NONE, NONE, &sensitive, &area, &outside, &kNoPcrs,
                    &leaf.private_area, &leaf.public_area, &creation, &hash, &ticket),
        "Esys_Create");
  Esys_Free(creation);
  Esys_Free(hash);
  Esys_Free(ticket);
  return leaf;
}

static ESYS_TR Load(const struct Leaf* leaf) {
  ESYS_TR object = NONE;
  Check(
      Esys_Load(esys, parent, PASSWORD, NONE, NONE, leaf->private_area, leaf->public_area, &object),
      "Esys_Load");
  return object;
}

static void Flush(ESYS_TR* handle) {
  if (*handle != NONE) Check(Esys_FlushContext(esys, *handle), "Esys_FlushContext");
  *handle = NONE;
}

static void Use(enum LeafKind kind) {
  Flush(&loaded);
  loaded = Load(&leaves[kind]);
}

static ESYS_TR StartSalted(void) {
  ESYS_TR session = NONE;
  Check(Esys_StartAuthSession(esys, parent, NONE, NONE, NONE, NONE, NULL, TPM2_SE_HMAC, &kAes128Cfb,
                              TPM2_ALG_SHA256, &session),
        "Esys_StartAuthSession");
  TPMA_SESSION attributes = TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_ENCRYPT;
  Check(Esys_TRSess_SetAttributes(esys, session, attributes, 0xff), "Esys_TRSess_SetAttributes");
  return session;
}

/* --- what is measured ------------------------------------------------------------------------ */

static void GetRandom(void) {
  TPM2B_DIGEST* bytes = NULL;
  Check(Esys_GetRandom(esys, NONE, NONE, NONE, 32, &bytes), "Esys_GetRandom");
  Esys_Free(bytes);
}

static void PcrRead(void) {
  UINT32 counter = 0;
  TPML_PCR_SELECTION* selection = NULL;
  TPML_DIGEST* values = NULL;
  Check(Esys_PCR_Read(esys, NONE, NONE, NONE, &kEightPcrs, &counter, &selection, &values),
        "Esys_PCR_Read");
  Esys_Free(selection);
  Esys_Free(values);
}

static void SignWith(ESYS_TR key) {
  TPM2B_DIGEST digest = {.size = 32};
  TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_ECDSA};
  TPMT_TK_HASHCHECK ticket = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
  TPMT_SIGNATURE* signature = NULL;
  memset(digest.buffer, 0xd1, 32);
  scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  Check(Esys_Sign(esys, key, PASSWORD, NONE, NONE, &digest, &scheme, &ticket, &signature),
        "Esys_Sign");
  Esys_Free(signature);
}
static void Sign(void) { SignWith(loaded); }

static void Quote(void) {
  TPM2B_DATA nonce = {.size = 20};
  TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
  TPM2B_ATTEST* quoted = NULL;
  TPMT_SIGNATURE* signature = NULL;
  memset(nonce.buffer, 0x9c, 20);
  Check(Esys_Quote(esys, loaded, PASSWORD, NONE, NONE, &nonce, &scheme, &kEightPcrs, &quoted,
                   &signature),
        "Esys_Quote");
  Esys_Free(quoted);
  Esys_Free(signature);
}

static void CreateKey(void) {
  struct Leaf leaf = Create(kKey);
  Esys_Free(leaf.private_area);
  Esys_Free(leaf.public_area);
}

static void UnsealIn(ESYS_TR session) {
  TPM2B_SENSITIVE_DATA* data = NULL;
  Check(Esys_Unseal(esys, loaded, session, NONE, NONE, &data), "Esys_Unseal");
  Esys_Free(data);
}
static void Unseal(void) {
  if (kept_session == NONE) kept_session = StartSalted();
  UnsealIn(kept_session);
}
static void SaltedUnseal(void) {
  ESYS_TR session = StartSalted();
  UnsealIn(session);
  Flush(&session);
}

static void ColdSign(void) {
  ESYS_TR key = Load(&leaves[kKey]);
  SignWith(key);
  Flush(&key);
}

/* These leave an object behind, which is flushed outside of the time that counts. */
static ESYS_TR left = ESYS_TR_NONE;
static void LoadKey(void) { left = Load(&leaves[kKey]); }
static void MakeParent(void) { left = CreatePrimary(); }

struct Operation {
  const char* name;
  void (*run)(void);
  int leaf; /* that has to be loaded; -1: none */
  unsigned repeat;
};
static const struct Operation kOperations[] = {
    {"random", GetRandom, -1, 1},
    {"pcr", PcrRead, -1, 1},
    {"sign", Sign, kKey, 1},
    {"quote", Quote, kAttestationKey, 1},
    {"create", CreateKey, -1, 1},
    {"load", LoadKey, -1, 1},
    {"primary", MakeParent, -1, 1},
    {"cold-sign", ColdSign, -1, 1},
    {"unseal", Unseal, kSealed, 1},
    {"salted", SaltedUnseal, kSealed, 1},
    {"random100", GetRandom, -1, kAtOnce},
    {"sign100", Sign, kKey, kAtOnce},
};

static uint64_t RunOnce(const struct Operation* operation) {
  uint64_t start = Now();
  for (unsigned i = 0; i < operation->repeat; ++i) operation->run();
  uint64_t time = (Now() - start) / operation->repeat;
  Flush(&left);
  return time;
}

static void Turn(const struct Operation* operation, unsigned warm_ups, unsigned count) {
  Flush(&loaded);
  if (operation->leaf >= 0) Use((enum LeafKind)operation->leaf);
  uint64_t* times = calloc(count, sizeof *times);
  if (times == NULL) Check(TSS2_BASE_RC_MEMORY, "calloc");
  for (unsigned i = 0; i < warm_ups; ++i) RunOnce(operation);
  for (unsigned i = 0; i < count; ++i) times[i] = RunOnce(operation);
  for (unsigned i = 0; i < count; ++i) printf("%s%" PRIu64, i == 0 ? "" : " ", times[i]);
  printf("\n");
  free(times);
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: tpm2_bench_esapi SOCKET\n");
    return 2;
  }
  char name[256];
  snprintf(name, sizeof name, "swtpm:path=%s", argv[1]);
  TSS2_TCTI_CONTEXT* tcti = NULL;
  setvbuf(stdout, NULL, _IOLBF, 0);
  Check(Tss2_TctiLdr_Initialize(name, &tcti), "Tss2_TctiLdr_Initialize (libtss2-tcti-swtpm?)");
  Check(Esys_Initialize(&esys, tcti, NULL), "Esys_Initialize");
  parent = CreatePrimary();
  for (int kind = 0; kind < kLeafKinds; ++kind) leaves[kind] = Create((enum LeafKind)kind);
  printf("ready\n");

  char line[kMaxLine];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char wanted[32];
    unsigned warm_ups = 0, count = 0;
    const struct Operation* found = NULL;
    if (sscanf(line, "%31s %u %u", wanted, &warm_ups, &count) == 3) {
      for (size_t i = 0; i < sizeof kOperations / sizeof *kOperations; ++i) {
        if (strcmp(kOperations[i].name, wanted) == 0) found = &kOperations[i];
      }
    }
    if (found == NULL) {
      printf("! no such operation: %s", line);
    } else {
      Turn(found, warm_ups, count);
    }
  }
  Flush(&loaded);
  Flush(&kept_session);
  Flush(&parent);
  for (int kind = 0; kind < kLeafKinds; ++kind) {
    Esys_Free(leaves[kind].private_area);
    Esys_Free(leaves[kind].public_area);
  }
  Esys_Finalize(&esys);
  Tss2_TctiLdr_Finalize(&tcti);
  return 0;
}
