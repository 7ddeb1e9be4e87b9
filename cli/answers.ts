/** What the api answers, as far as the commands use it; CloudStack's names. */

export interface ImageAnswer {
  readonly id: string;
  readonly name: string;
  readonly displaytext?: string;
  readonly format?: string;
  readonly url?: string;
  readonly checksum?: string;
  readonly hypervisor?: string;
  readonly ostypename?: string;
  readonly account?: string;
  readonly zoneid?: string;
  readonly zonename?: string;
  readonly isready?: boolean;
  readonly status?: string;
  readonly ispublic?: boolean;
  readonly isfeatured?: boolean;
  readonly bootable?: boolean;
  /** Bytes that a VM sees. */
  readonly size?: number;
  /** Bytes of the file. */
  readonly physicalsize?: number;
  readonly created?: string;
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
  /** Only where one image is asked for by its id. */
  readonly mirror?: readonly MirrorAnswer[];
}

/** As far as it is told in words; `--json` has all. */
export interface InspectionAnswer {
  readonly verdict: 'accepted' | 'refused';
  /** At the first bytes, or the whole file. */
  readonly looked?: 'head' | 'file';
  readonly found?: readonly string[];
  readonly qcow2?: Qcow2Answer;
  readonly iso?: {
    readonly label: string;
    readonly filesystems: readonly string[];
    readonly bootable: boolean;
  };
  readonly partitiontable?: { readonly partitions: readonly unknown[] };
  readonly filesystem?: string;
}

export interface Qcow2Answer {
  readonly version: number;
  readonly virtualsize: number;
  readonly clustersize: number;
  readonly features: readonly string[];
  readonly snapshots: number;
  readonly tables?: { readonly dataclusters: number; readonly compressedclusters: number };
}

export interface MirrorAnswer {
  readonly url: string;
  readonly priority?: number;
  readonly location?: string;
  readonly size?: number;
  readonly reachable?: boolean;
  readonly reason?: string;
  readonly inspection?: InspectionAnswer;
}

export interface AttemptAnswer {
  readonly id: string;
  readonly hostid?: string;
  readonly hostname?: string;
  readonly source?: string;
  readonly started?: string;
  readonly ended?: string;
  readonly bytes?: number;
  readonly errorkind?: string;
  readonly error?: string;
  readonly note?: string;
  readonly inspection?: InspectionAnswer;
}

export interface DeploymentAnswer {
  readonly id: string;
  readonly templateid: string;
  readonly templatename: string;
  readonly format?: string;
  readonly zoneid?: string;
  readonly zonename?: string;
  readonly storageid: string;
  readonly storagename: string;
  readonly state: 'Allocated' | 'Creating' | 'Ready' | 'Destroying' | 'Failed';
  readonly downloadstate?: string;
  readonly percent?: number;
  readonly bytes?: number;
  readonly total?: number;
  readonly rate?: number;
  readonly phase?: string;
  readonly ahead?: number;
  readonly hostid?: string;
  readonly hostname?: string;
  readonly source?: string;
  readonly error?: string;
  readonly waitreason?: string;
  readonly nexttry?: string;
  readonly attempts?: readonly AttemptAnswer[];
  readonly attemptcount?: number;
  readonly workflowid?: string;
  readonly installpath?: string;
  readonly localpath?: string;
  readonly size?: number;
  readonly physicalsize?: number;
  readonly sha256?: string;
  readonly inspection?: InspectionAnswer;
  readonly cancelledby?: string;
  readonly created?: string;
  readonly lastupdated?: string;
}

export interface JobAnswer {
  readonly jobid: string;
  readonly cmd?: string;
  /** 0 pending, 1 done, 2 failed. */
  readonly jobstatus: number;
  readonly jobresultcode?: number;
  readonly jobresult?: {
    readonly errorcode?: number;
    readonly errortext?: string;
    readonly success?: boolean;
    readonly templatedeployment?: readonly DeploymentAnswer[];
  };
  readonly jobinstancetype?: string;
  readonly jobinstanceid?: string;
  readonly created?: string;
  readonly completed?: string;
}

export interface ZoneAnswer {
  readonly id: string;
  readonly name: string;
  readonly allocationstate?: string;
}

export interface ClusterAnswer {
  readonly id: string;
  readonly name: string;
  readonly zoneid?: string;
  readonly zonename?: string;
  readonly hypervisortype?: string;
  readonly allocationstate?: string;
}

export interface HostAnswer {
  readonly id: string;
  readonly name: string;
  readonly state?: string;
  readonly resourcestate?: string;
  readonly zonename?: string;
  readonly clustername?: string;
  readonly ipaddress?: string;
  readonly version?: string;
  readonly fingerprint?: string;
  readonly lastpinged?: string;
  readonly downloadlimit?: number;
  /** Bytes per second; 0 for no limit. */
  readonly ratelimit?: number;
  readonly currentdownloadlimit?: number;
  readonly currentratelimit?: number;
}

export interface PoolAnswer {
  readonly id: string;
  readonly name: string;
  readonly type?: string;
  readonly scope?: string;
  readonly state?: string;
  readonly path?: string;
  readonly zoneid?: string;
  readonly zonename?: string;
  readonly clustername?: string;
  readonly disksizetotal?: number;
  readonly disksizeused?: number;
  readonly disksizeallocated?: number;
  /** Separated by commas. */
  readonly tags?: string;
}

export interface EventAnswer {
  readonly id: string;
  readonly type?: string;
  readonly level?: string;
  readonly state?: string;
  readonly description?: string;
  readonly username?: string;
  readonly created?: string;
  readonly resourceid?: string;
}

export interface OsTypeAnswer {
  readonly id: string;
  readonly description: string;
}

export interface AccountAnswer {
  readonly id: string;
  readonly name: string;
  readonly rolename?: string;
  readonly templatetotal?: number;
  readonly templatelimit?: string;
  readonly created?: string;
  readonly user?: readonly UserAnswer[];
}

export interface UserAnswer {
  readonly id: string;
  readonly username: string;
}

export interface CertificateHostAnswer {
  readonly hostid: string;
  readonly hostname: string;
  readonly status: 'UPLOADED' | 'REVOKED' | 'FAILED' | 'SKIPPED';
  readonly details?: string;
}

export interface CertificateAnswer {
  readonly id: string;
  readonly alias: string;
  readonly zoneid: string;
  readonly zonename: string;
  readonly subject: string;
  readonly revoked?: boolean;
  readonly daysleft?: number;
  readonly hostsmap?: readonly CertificateHostAnswer[];
}
