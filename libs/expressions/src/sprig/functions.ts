import { GoFunction, newRecord, type GoRecord } from '../golang/values.js';
import { fail } from './arguments.js';
import { COLLECTION_FUNCTIONS } from './collections.js';
import { DATE_FUNCTIONS } from './dates.js';
import { ENCODING_FUNCTIONS } from './encodings.js';
import { NUMBER_FUNCTIONS } from './numbers.js';
import { PATH_FUNCTIONS } from './paths.js';
import { PATTERN_FUNCTIONS } from './patterns.js';
import { TEXT_FUNCTIONS } from './text.js';

/** Sprig's functions that need randomness, keys or the network: a decision must come out the same when it is repeated. */
const REFUSED = (
  'randAlphaNum randAlpha randAscii randNumeric randInt randBytes shuffle uuidv4 getHostByName bcrypt htpasswd ' +
  'genPrivateKey derivePassword buildCustomCert genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey ' +
  'genSignedCert genSignedCertWithKey encryptAES decryptAES semver semverCompare'
).split(' ');

const refuse = (name: string): GoFunction => new GoFunction(name, () => fail(`sprig.${name} is not offered here`));

function collect(): GoRecord {
  const record = newRecord();
  const all = [
    ...TEXT_FUNCTIONS,
    ...NUMBER_FUNCTIONS,
    ...COLLECTION_FUNCTIONS,
    ...DATE_FUNCTIONS,
    ...ENCODING_FUNCTIONS,
    ...PATTERN_FUNCTIONS,
    ...PATH_FUNCTIONS,
    ...REFUSED.map(refuse),
  ];
  for (const entry of all) record[entry.name] = entry;
  return record;
}

/** Sprig 3.3's functions by name, without `env` and `expandenv`, as Argo offers them under `sprig`. */
export const SPRIG_FUNCTIONS: GoRecord = collect();
