/** What the host worker runs its activities with: the settings are read first, then everything is built. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { createHostCertificates } from '../activities/host/certificates.ts';
import type { HostActivityDeps } from '../activities/host/deps.ts';
import { createHostLimiter } from '../activities/host/limits.ts';
import { createHostPeers } from '../activities/host/peers.ts';
import type { HostPeers } from '../activities/host/peers.ts';
import { createHypervisor } from '../hypervisor/create.ts';
import { HYPERVISOR_PROGRAMS } from '../hypervisor/programs.ts';
import { createReporter } from '../hypervisor/report.ts';
import { createVirsh } from '../hypervisor/virsh.ts';
import type { Virsh } from '../hypervisor/virsh.ts';
import { openLedger } from '../images/pools/ledger.ts';
import { createPools } from '../images/pools/pools.ts';
import { PROTOCOLS } from '../images/fetch/protocols/registry.ts';
import { programsFor, reportPrograms } from '../images/programs.ts';
import { createScheduler } from '../images/attempt/scheduler.ts';
import type { Denied } from '../images/fetch/network/egress-policy.ts';
import { createSources } from '../images/fetch/sources.ts';
import { createTrust } from '../images/fetch/network/trust.ts';
import type { Identity } from '../trust/identity.ts';
import { openKeystore } from '../trust/keystore.ts';
import { createHostKey } from '../trust/peer-certificates.ts';
import { openForHost, openKeyForHost, openVmSecrets } from '../trust/sealing.ts';
import { doorSettings } from './door/settings.ts';
import type { DoorSettings } from './door/settings.ts';
import { hostPolicy, hostProxies } from './host-policy.ts';
import {
  hypervisorSettings,
  inspectionLimits,
  parsePools,
  publishSettings,
  sourceBudgets,
} from './host-settings.ts';
import { loadKnownPools } from './host-state.ts';
import { temporalAddressOf } from './runtime.ts';
import type { Logger } from './runtime.ts';
import type { Settings } from './settings.ts';
import { createTransfers } from './transfers.ts';
import type { Transfers } from './transfers.ts';
import { bypassVersion } from './version.ts';

export interface Plan {
  readonly deps: HostActivityDeps;
  readonly virsh: Virsh;
  readonly transfers: Transfers;
}

export interface Planning {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Default: tries are not traced. */
  readonly traceTries?: HostActivityDeps['traceTries'] | undefined;
}

/** Reads all settings at once, so that a wrong one is refused before the host writes anything. */
export function planActivities(
  settings: Settings,
  { logger, signal, traceTries }: Planning,
): (identity: Identity, stateDir: string) => Promise<Plan> {
  const configs = parsePools(settings.required('pools'));
  const own = { downloads: settings.number('downloads', 1), rate: settings.number('rateLimit') };
  const connections = settings.number('connections', 1);
  const publish = publishSettings(settings);
  const limits = inspectionLimits(settings);
  const unpack = { maxRatio: settings.number('unpackRatio', 1) };
  const { uri, ...hypervisor } = hypervisorSettings(settings);
  const door = doorSettings(settings);
  const sources = {
    ...sourceBudgets(settings),
    policy: hostPolicy(settings, temporalAddressOf(settings)),
    proxies: hostProxies(settings),
  };
  const onDenied = ({ url, rule, address }: Denied): void =>
    logger.warn({ url, rule, address }, 'the URL policy refused a URL');
  const version = bypassVersion();
  return async ({ hostId, sealingPrivateKey, sign }, stateDir) => {
    const transfers = createTransfers({
      settings: {
        hostId,
        sources,
        stateDir,
        rate: own.rate,
        publish,
        limits,
        unpack,
        connections,
        ...(door === undefined ? {} : { door: { ...door, pools: configs } }),
      },
      logger,
      onDenied,
    });
    const scheduler = createScheduler({ limit: own.downloads });
    const setRate = (bytesPerSecond: number): void => transfers.setRate(bytesPerSecond);
    const virsh = createVirsh({ uri });
    const onTcg = (reason: string): void => logger.warn(`guests are emulated, without KVM: ${reason}`);
    const reporter = createReporter({ ...hypervisor, virsh, hostId, onTcg, signal });
    const pools = createPools(configs, await loadKnownPools(stateDir));
    const machines = createHypervisor({
      virsh,
      hostId,
      pools,
      networks: hypervisor.networks,
      accelerator: () => reporter.accelerator(),
      // Beside the state folder, which is closed to all but its owner: QEMU's user reads first boot data.
      folder: `${resolve(stateDir)}-vms`,
    });
    const keystore = openKeystore(stateDir);
    const trust = createTrust(keystore);
    const deps: HostActivityDeps = {
      hostId,
      incarnation: randomUUID(),
      sign,
      version,
      pools,
      ledger: openLedger(stateDir),
      scheduler,
      limits: createHostLimiter({ own, scheduler, setRate }),
      certificates: createHostCertificates(keystore, (sealed, certificateId) =>
        openKeyForHost(sealingPrivateKey, sealed, { certificateId, hostId }),
      ),
      ...(door === undefined ? {} : { peers: await peersOf(door, hostId, transfers) }),
      probes: { sources: createSources({ ...sources, trust, onDenied }), limits, unpack },
      download: (request, rules) => transfers.download(request, rules),
      openSealed: async ({ sealed, templateId }) =>
        sealed === undefined ? undefined : openForHost(sealingPrivateKey, sealed, { templateId, hostId }),
      hypervisor: machines,
      openVmSecrets: ({ vmId, sealed }) => openVmSecrets(sealingPrivateKey, sealed, { vmId, hostId }),
      programs: () => reportPrograms([...programsFor(PROTOCOLS), ...HYPERVISOR_PROGRAMS]),
      describeHypervisor: (installed) => reporter.report(installed),
      ...(traceTries === undefined ? {} : { traceTries }),
      onFailure(activity, error) {
        logger.warn({ activity, kind: error.kind, err: error }, `${activity} failed`);
      },
    };
    return { deps, transfers, virsh };
  };
}

/** The key is of this start alone: the control side certifies it anew. */
async function peersOf(door: DoorSettings, hostId: string, transfers: Transfers): Promise<HostPeers> {
  const key = await createHostKey(hostId);
  const { address, uploads, rate } = door;
  return createHostPeers({
    door: { address, uploads, rate },
    key,
    apply: (credentials) => transfers.setPeers({ ...credentials, key: key.key }),
    problem: () => transfers.doorProblem(),
  });
}
