/** Answers of hosts, and their requests to join. Signatures are verified before, over the whole message. */
import * as z from 'zod/mini';
import type { HeldCertificate } from '../certificate.ts';
import type { CertificatesResult } from '../certificate-jobs.ts';
import type { HostActivityName, PeersKnown } from '../host-activities.ts';
import type {
  DownloadResult,
  HostCapabilities,
  HostReport,
  LimitsReport,
  PoolReport,
  ProbeReport,
  ProgramReport,
  PriorityResult,
  RemoveResult,
} from '../payloads.ts';
import type { HashResult } from '../verification.ts';
import { compressions } from '../source.ts';
import type { PeerReport } from '../spread.ts';
import type { UrlReport } from '../source.ts';
import { common } from './answer.ts';
import { imageEvidence } from './evidence.ts';
import { triesOf } from './failures.ts';
import { imagePieces } from './image-pieces.ts';
import { PIECE_VERDICTS } from '../image-pieces.ts';
import { sha256 } from './lineages.ts';
import { poolReport } from './pools.ts';
import { filesInUseResult, listPoolFilesResult, removePoolFilesResult } from './pool-files.ts';
import {
  ifUnderstood,
  message,
  moment,
  opaque,
  read,
  text,
  understood,
  uuid,
  version,
  whole,
} from './schema.ts';
import type { Schema } from './schema.ts';
import type { JoinRequest } from '../joining.ts';
import {
  consoleLogResult,
  hypervisorReport,
  listDomainsResult,
  releaseVmResult,
  startVmResult,
  vmStateResult,
} from './vms.ts';

type Unpacked = Omit<UrlReport, 'compression'> & { readonly compression?: string };

/** What is packed in a way that is not known here could not be planned for. */
const urlReport: Schema<UrlReport> = z.pipe(
  message<Unpacked>({
    url: text(),
    reachable: z.boolean(),
    reason: ifUnderstood(text()),
    rule: ifUnderstood(text()),
    size: whole(),
    etag: ifUnderstood(text()),
    lastModified: ifUnderstood(text()),
    ranges: z.catch(z.boolean(), false),
    format: ifUnderstood(text()),
    virtualSize: whole(),
    compression: z.optional(text()),
    unpackedSize: ifUnderstood(whole()),
    evidence: ifUnderstood(imageEvidence),
    priority: z.number(),
    location: ifUnderstood(text()),
  }),
  z.transform(({ compression, ...report }): UrlReport => {
    if (compression === undefined) return report;
    const known = compressions.find((name) => name === compression);
    if (known !== undefined) return { ...report, compression: known };
    const reason = `is packed with ${compression}, which this release of Bypass does not know`;
    return { ...report, reachable: false, reason };
  }),
);

const probeReport = message<ProbeReport>({
  ...common,
  urls: z.array(urlReport),
  metalink: z.optional(
    message<NonNullable<ProbeReport['metalink']>>({
      digest: text(),
      checksum: z.optional(text()),
      size: whole(),
    }),
  ),
});

const downloadResult = message<DownloadResult>({
  ...common,
  size: whole(),
  physicalSize: whole(),
  virtualSize: whole(),
  fetched: whole(),
  sha256: sha256(),
  fromPeers: ifUnderstood(whole()),
  lineage: ifUnderstood(uuid()),
  pieces: ifUnderstood(z.enum(PIECE_VERDICTS)),
  transferred: ifUnderstood(whole()),
  evidence: ifUnderstood(imageEvidence),
  installPath: text(),
  localPath: text(),
  tries: triesOf,
  pool: poolReport,
});

const removeResult = message<RemoveResult>({ ...common, files: whole(), pool: poolReport });

const hashResult = message<HashResult>({
  ...common,
  sha256: z.optional(sha256()),
  pieces: ifUnderstood(imagePieces),
});

const programReport = message<ProgramReport>({
  name: text(),
  version: ifUnderstood(text()),
  purpose: z.catch(text(), ''),
});

const names = understood(text());

const hostCapabilities = message<HostCapabilities>({
  protocols: names,
  formats: names,
  unpacks: names,
  features: names,
});

const heldCertificate = message<HeldCertificate>({ alias: text(), digest: text() });

const limitsReport = message<LimitsReport>({ revision: whole(), downloads: whole(1), rate: whole() });

/** A host whose door is not understood is one without a door. */
const peerReport = message<PeerReport>({
  address: text(),
  uploads: whole(1),
  rate: whole(),
  certificateRequest: text(),
  certificateEnds: ifUnderstood(moment()),
  trusted: ifUnderstood(text()),
});

type Reported = Omit<HostReport, 'pools'> & { readonly pools: readonly unknown[] };

/** A pool of a kind that is not known here is no pool for this side; the host's problems name it. */
const hostReport: Schema<HostReport> = opaque(
  z.pipe(
    message<Reported>({
      ...common,
      version: text(),
      pools: z.array(z.unknown()),
      programs: understood(programReport),
      capabilities: ifUnderstood(hostCapabilities),
      certificates: ifUnderstood(understood(heldCertificate)),
      problems: ifUnderstood(understood(text())),
      limits: ifUnderstood(limitsReport),
      hypervisor: ifUnderstood(hypervisorReport),
      peer: ifUnderstood(peerReport),
    }),
    z.transform(({ pools, ...report }): HostReport => {
      const found = pools.map((pool) => read(poolReport, pool));
      const good = found.flatMap(({ value }) => (value === undefined ? [] : [value]));
      const bad = found.flatMap(({ problem }, at) =>
        problem === undefined ? [] : [`pool ${nameOf(pools[at])} is not understood: ${problem}`],
      );
      return {
        ...report,
        pools: good,
        ...(bad.length === 0 ? {} : { problems: [...(report.problems ?? []), ...bad] }),
      };
    }),
  ),
);

const nameOf = (pool: unknown): string => String((pool as Partial<PoolReport> | null)?.name);

const certificatesResult = message<CertificatesResult>({
  ...common,
  held: z.array(heldCertificate),
  failed: z.catch(z.record(z.string(), text()), {}),
  rebuilt: ifUnderstood(text()),
});

const priorityResult = message<PriorityResult>(common);

const peersKnown = message<PeersKnown>({ ...common, trusted: ifUnderstood(z.string()) });

/** How the result of each job of a host is read. */
export const hostResults = {
  probe: probeReport,
  describeHost: hostReport,
  setLimits: hostReport,
  setPeerCredentials: hostReport,
  changePeers: peersKnown,
  raisePriority: priorityResult,
  remove: removeResult,
  hashCopy: hashResult,
  listPoolFiles: listPoolFilesResult,
  filesInUse: filesInUseResult,
  removePoolFiles: removePoolFilesResult,
  syncCertificates: certificatesResult,
  download: downloadResult,
  startVm: startVmResult,
  stopVm: vmStateResult,
  rebootVm: vmStateResult,
  releaseVm: releaseVmResult,
  changeIso: vmStateResult,
  consoleLog: consoleLogResult,
  listDomains: listDomainsResult,
} as const satisfies Readonly<Record<HostActivityName, Schema<unknown>>>;

export const joinRequest = message<JoinRequest>({
  v: version(),
  at: z.string(),
  hostId: uuid(),
  name: text(),
  address: text(),
  zone: text(),
  cluster: text(),
  incarnation: ifUnderstood(uuid()),
  signingKey: z.string(),
  sealingKey: z.string(),
  invite: z.optional(message<NonNullable<JoinRequest['invite']>>({ id: z.string(), proof: z.string() })),
  report: hostReport,
  signature: z.string(),
});
