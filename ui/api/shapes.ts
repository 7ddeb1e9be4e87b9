/** What the answers of the API hold, as far as the page shows it. */

export interface Template {
  readonly id: string;
  readonly name: string;
  readonly displaytext: string;
  readonly format: 'QCOW2' | 'RAW' | 'ISO';
  readonly ispublic: boolean;
  readonly isfeatured: boolean;
  readonly isready: boolean;
  readonly isextractable?: boolean;
  readonly bootable?: boolean;
  readonly passwordenabled?: boolean;
  readonly sshkeyenabled?: boolean;
  readonly crossZones?: boolean;
  readonly status?: string;
  readonly account: string;
  readonly created: string;
  readonly ostypeid?: string;
  readonly ostypename?: string;
  readonly zoneid?: string;
  readonly zonename?: string;
  /** Bytes. */
  readonly size?: number;
  readonly physicalsize?: number;
  readonly checksum?: string;
  readonly url?: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly mirror?: readonly Mirror[];
  readonly downloaddetails?: readonly PoolOfTemplate[];
  readonly workflowid?: string;
  readonly arch?: string;
}

export interface Mirror {
  readonly url: string;
  readonly priority: number;
  readonly location?: string;
  readonly size: number;
  readonly ranges: boolean;
  readonly reachable: boolean;
  readonly reason?: string;
  readonly inspection?: Inspection;
}

export interface Inspection {
  readonly verdict: 'accepted' | 'refused';
  readonly looked?: 'head' | 'file';
  readonly found?: readonly string[];
  readonly qcow2?: {
    readonly version: number;
    readonly virtualsize: number;
    readonly clustersize: number;
    readonly features?: readonly string[];
    readonly snapshots?: number;
    readonly tables?: { readonly dataclusters: number; readonly compressedclusters: number };
  };
  readonly iso?: {
    readonly label: string;
    readonly filesystems?: readonly string[];
    readonly bootable?: boolean;
  };
  readonly partitiontable?: {
    readonly kind?: string;
    readonly partitions?: readonly {
      readonly number: number;
      readonly type: string;
      readonly size: number;
      readonly name?: string;
    }[];
  };
  readonly filesystem?: string;
}

export interface PoolOfTemplate {
  readonly datastore: string;
  readonly downloadPercent: string;
  readonly downloadState: string;
  readonly datastoreId?: string;
}

export interface Deployment {
  readonly id: string;
  readonly templateid: string;
  readonly templatename: string;
  readonly format: string;
  readonly zoneid: string;
  readonly zonename: string;
  readonly storageid: string;
  readonly storagename: string;
  readonly state: 'Allocated' | 'Creating' | 'Ready' | 'Destroying' | 'Failed';
  readonly downloadstate: string;
  readonly percent: number;
  readonly bytes: number;
  readonly total: number;
  /** Bytes per second. */
  readonly rate?: number;
  readonly phase?: string;
  readonly ahead?: number;
  readonly hostid?: string;
  readonly hostname?: string;
  readonly source?: string;
  readonly error?: string;
  readonly waitreason?: string;
  readonly nexttry?: string;
  readonly attempts: readonly Attempt[];
  readonly attemptcount: number;
  readonly workflowid?: string;
  readonly localpath?: string;
  readonly size?: number;
  readonly physicalsize?: number;
  readonly sha256?: string;
  readonly inspection?: Inspection;
  readonly cancelledby?: string;
  readonly created: string;
  readonly lastupdated: string;
}

export interface Attempt {
  readonly id: string;
  readonly hostid?: string;
  readonly hostname?: string;
  readonly source: string;
  readonly started: string;
  readonly ended: string;
  readonly bytes: number;
  readonly errorkind?: string;
  readonly error?: string;
  readonly note?: string;
  readonly inspection?: Inspection;
}

export interface Host {
  readonly id: string;
  readonly name: string;
  readonly state: 'Up' | 'Down';
  readonly resourcestate: string;
  readonly zoneid: string;
  readonly zonename: string;
  readonly clustername: string;
  readonly ipaddress: string;
  readonly version: string;
  readonly fingerprint: string;
  readonly program?: readonly {
    readonly name: string;
    readonly version?: string;
    readonly purpose: string;
  }[];
  readonly problem?: readonly string[];
  readonly lastpinged?: string;
  /** Downloads at once, as set here; absent: as its own settings say. */
  readonly downloadlimit?: number;
  /** Bytes per second, 0 for any number. */
  readonly ratelimit?: number;
  /** In force there. */
  readonly currentdownloadlimit?: number;
  readonly currentratelimit?: number;
}

export interface Pool {
  readonly id: string;
  readonly name: string;
  readonly zoneid: string;
  readonly zonename: string;
  readonly clustername?: string;
  readonly type: string;
  readonly scope: string;
  readonly state: string;
  readonly path?: string;
  /** Bytes. */
  readonly disksizetotal: number;
  readonly disksizeused: number;
  readonly disksizeallocated: number;
  readonly host: readonly HostOfPool[];
  readonly reported?: string;
}

export interface HostOfPool {
  readonly id: string;
  readonly name: string;
  readonly state: 'Up' | 'Down';
  readonly mounted: boolean;
  readonly path: string;
  readonly problem?: string;
}

export interface Zone {
  readonly id: string;
  readonly name: string;
}

export interface OsType {
  readonly id: string;
  readonly description: string;
}

export interface BypassEvent {
  readonly id: string;
  readonly type: string;
  readonly level: 'INFO' | 'WARN' | 'ERROR';
  readonly state: string;
  readonly description: string;
  readonly username?: string;
  readonly account?: string;
  readonly resourcetype?: string;
  readonly resourceid?: string;
  readonly workflowid?: string;
  readonly created: string;
}

export interface Capability {
  readonly bypassversion: string;
  readonly temporaluiurl?: string;
  readonly temporalnamespace?: string;
}
