/** The keystore of this host: it is made to hold exactly the certificates that the control side lists. */
import { createPrivateKey } from 'node:crypto';
import pLimit from 'p-limit';
import type { HeldCertificate, KeystoreEntry } from '../../model/certificate.ts';
import { ImageError } from '../../model/failures.ts';
import type { CertificatesJob, CertificatesResult, WantedCertificate } from '../../model/certificate-jobs.ts';
import { entryDigest, readCertificates } from '../../trust/certificates.ts';
import { KeystoreDamaged } from '../../trust/keystore.ts';
import type { Keystore } from '../../trust/keystore.ts';

export interface HostCertificates {
  sync(job: CertificatesJob): Promise<Omit<CertificatesResult, 'v' | 'hostId'>>;
  /** The certificates that the keystore holds, and what is wrong with it. */
  report(): Promise<{ readonly held: readonly HeldCertificate[]; readonly problem?: string }>;
}

/** @param openKey opens the sealed private key of a client certificate */
export function createHostCertificates(
  keystore: Keystore,
  openKey: (sealed: string, certificateId: string) => Promise<string>,
): HostCertificates {
  /** One sync after the other, in the order of the calls: the last one decides what the keystore holds. */
  const oneAtATime = pLimit(1);
  const report = async (): ReturnType<HostCertificates['report']> => {
    const problem = await damageOf(keystore);
    return problem === undefined ? { held: await heldIn(keystore) } : { held: [], problem };
  };

  return {
    report,
    sync: (job) =>
      oneAtATime(async () => {
        const damage = await damageOf(keystore);
        const entries: KeystoreEntry[] = [];
        const failed: Record<string, string> = {};
        for (const wanted of job.certificates) {
          try {
            entries.push(await entryOf(wanted, openKey));
          } catch (error) {
            failed[wanted.alias] = (error as Error).message;
          }
        }
        await write(keystore, entries);
        const held = await heldIn(keystore);
        return { held, failed, ...(damage === undefined ? {} : { rebuilt: damage }) };
      }),
  };
}

async function damageOf(keystore: Keystore): Promise<string | undefined> {
  try {
    await keystore.read();
    return undefined;
  } catch (error) {
    if (error instanceof KeystoreDamaged) return error.message;
    throw error;
  }
}

/** Writes only when the content differs, so that a repeated job leaves the file as it is. */
async function write(keystore: Keystore, entries: readonly KeystoreEntry[]): Promise<void> {
  const wanted = JSON.stringify(entries.map(heldOf));
  const current =
    (await damageOf(keystore)) === undefined ? JSON.stringify(await heldIn(keystore)) : undefined;
  if (current === wanted) return;
  try {
    await keystore.write(entries);
  } catch (error) {
    throw new ImageError('HostFault', `the keystore cannot be written (${(error as Error).message})`, {
      cause: error,
    });
  }
}

const heldIn = async (keystore: Keystore): Promise<readonly HeldCertificate[]> =>
  (await keystore.read()).entries.map(({ alias, digest }) => ({ alias, digest }));

const heldOf = ({ alias, certificates, client }: KeystoreEntry): HeldCertificate => ({
  alias,
  digest: entryDigest(certificates, client?.certificates),
});

/** Validity is checked at upload only: an expired certificate in a keystore does no harm. */
async function entryOf(
  { id, alias, certificate, clientCertificate, sealed }: WantedCertificate,
  openKey: (sealed: string, certificateId: string) => Promise<string>,
): Promise<KeystoreEntry> {
  const certificates = derOf(certificate);
  if (clientCertificate === undefined || sealed === undefined) return { alias, certificates };
  const key = createPrivateKey(await openKey(sealed, id)).export({ type: 'pkcs8', format: 'der' });
  return { alias, certificates, client: { certificates: derOf(clientCertificate), key } };
}

const derOf = (pem: string): readonly Uint8Array[] => readCertificates(pem).map(({ raw }) => raw);
