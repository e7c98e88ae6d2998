// Writes the secrets that docker-compose.yml names, random, below .argosy/compose. What is there already stays.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), '.argosy', 'compose');
const random = () => randomBytes(24).toString('hex');

/** The content of a secret, made now if it is not there. Readable for the containers' users; the folder keeps others out. */
const secret = (name, content) => {
  const file = join(folder, name);
  try {
    writeFileSync(file, content, { flag: 'wx', mode: 0o444 });
    console.log(`made  ${file}`);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    console.log(`there ${file}`);
  }
  return readFileSync(file, 'utf8');
};

mkdirSync(folder, { recursive: true, mode: 0o700 });
const password = secret('postgres-password', random());
secret('database-url', `postgres://argosy:${password}@postgres:5432/argosy`);
secret('auth-token', random());
secret('internal-token', random());
secret('s3-credentials', `[default]\naws_access_key_id = ${random()}\naws_secret_access_key = ${random()}\n`);
