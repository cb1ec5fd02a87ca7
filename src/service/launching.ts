/** How services begin on one worker: their modules are loaded, their setups run. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { shortPath } from '../base/paths.ts'
import { isError, messageOf, placeOf } from '../base/thrown.ts'
import type { Place } from '../kernel/loads.ts'
import { isBuiltin, type LoadedService, loadedService } from '../modules/modules.ts'
import { Beginning, type BeginningHost, type Launch, type Parent } from './beginning.ts'
import { ModuleLoads } from './module-loads.ts'
import { sendable } from './sendable.ts'
import { Service, type ServiceRuntime } from './service.ts'
import { type Services, titleFor } from './services.ts'

export interface LaunchingOptions {
  readonly worker: number
  /** The same, in this incarnation. */
  readonly place: Place
  readonly handles: { register(worker: number, isOfNode: boolean): number }
  /** Whoever asks for a launch has counted it there. */
  readonly loads: { remove(place: Place): void }
  readonly scheduler: {
    /** The promise of work that goes on without a message or a timer. */
    watching<T>(work: () => Promise<T>): Promise<T>
    /** May a launch begin now? */
    takesLaunch(): boolean
    launchLater(run: () => void): void
    /** Code of that service runs from here on. */
    running(handle: number): void
  }
  readonly router: { add(context: Service['context']): void }
  readonly services: Services
  /** How long a setup may take until that is said. */
  readonly startNoticeMs: number
  /** What a setup is given first. */
  readonly facadeOf: (service: Service) => unknown
  /** Let the service end when its supervisor does, which may have ended by now. */
  readonly endWith: (service: Service, parent: Parent) => void
}

export class Launching implements BeginningHost {
  readonly #options: LaunchingOptions
  readonly #runtime: ServiceRuntime
  readonly modules: ModuleLoads
  /** Launches whose modules are being loaded, or whose turn comes. */
  readonly #loading = new Set<Launch>()
  /** Services begin with their profile on. */
  isProfiled = false
  #isStopping = false

  constructor(options: LaunchingOptions, runtime: ServiceRuntime) {
    this.#options = options
    this.#runtime = runtime
    this.modules = new ModuleLoads({
      watching: (work) => options.scheduler.watching(work),
      say: (text) => this.say(0, text),
    })
  }

  /** From now on nothing begins here. */
  stop(): void {
    this.#isStopping = true
  }

  /** Launch a service here. Whoever asks has counted it in `loads` already. */
  launch(launch: Launch): void {
    const known = loadedService(launch.url)
    const { scheduler } = this.#options
    if (known !== undefined && scheduler.takesLaunch()) {
      this.#launch(known, launch)
      return
    }
    this.#loading.add(launch)
    if (known !== undefined) {
      scheduler.launchLater(() => {
        this.#loading.delete(launch)
        this.#launch(known, launch)
      })
      return
    }
    const loading = this.modules.load(launch.url).finally(() => this.#loading.delete(launch))
    loading.then(
      (definition) => this.#launch(definition, launch),
      (error: unknown) => this.#notBegun(launch, error),
    )
  }

  /** That supervisor waits no more for the child that it has ordered so: it shall not begin. */
  giveUp(asker: string): void {
    for (const launch of this.#loading) if (launch.parent?.asker === asker) launch.isGivenUp = true
  }

  /** Launches that go on by themselves, without a message or a timer: modules, setups that read. */
  get underWay(): string[] {
    const services = [...this.#options.services.values()]
    const loading = this.modules.underWay.map((module) => `the module ${module} is loaded`)
    const settingUp = services.filter(({ isSettingUp }) => isSettingUp)
    return [...loading, ...settingUp.map(({ name }) => `the setup of ${name} is not done`)]
  }

  say(handle: number, text: string): void {
    this.#runtime.log('error', handle, text)
  }

  /** The launch failed before there was a service: take back what the launcher counted. */
  #notBegun(launch: Launch, error: unknown): void {
    this.#options.loads.remove(this.#options.place)
    this.failed(launch, error)
  }

  failed(launch: Launch, error: unknown): void {
    const path = shortPath(launch.url)
    const hasExited = isSkynetError(error, 'ERR_SERVICE_EXITED')
    const text = explain(error)
    // Of the module, or of a circle of setups.
    const known = new SkynetError('ERR_SERVICE_LAUNCH', { path, reason: '' }).message
    const own = text.startsWith(known) ? text.slice(known.length) : text
    const info = { path, reason: hasExited ? 'it ended before its setup was done' : own }
    launch.onFailure(new SkynetError('ERR_SERVICE_LAUNCH', info, { cause: sendable(error) }))
  }

  #make({ url, origin, setups, isGivenUp = false }: Launch): Service {
    if (this.#isStopping) throw new Error('the node is stopping')
    if (isGivenUp) throw new Error('nobody waits for it any more')
    const { handles, worker } = this.#options
    const handle = handles.register(worker, isBuiltin(url))
    return new Service(this.#runtime, handle, url, titleFor(url), origin, setups)
  }

  #launch(definition: LoadedService, launch: Launch): void {
    let service: Service
    try {
      service = this.#make(launch)
    } catch (error) {
      this.#notBegun(launch, error)
      return
    }
    const { services, router, endWith, facadeOf } = this.#options
    if (launch.caller !== undefined) launch.caller.service = service
    service.setProfile(this.isProfiled)
    service.fence = launch.fence
    services.launched()
    router.add(service.context)
    const beginning = new Beginning(this, service, launch)
    if (launch.parent !== undefined) endWith(service, launch.parent)
    // Its supervisor was gone: it has ended before it began.
    if (service.hasEnded) return
    beginning.run(definition, facadeOf(service))
  }

  running(handle: number): void {
    this.#options.scheduler.running(handle)
  }

  get startNoticeMs(): number {
    return this.#options.startNoticeMs
  }
}

/** Why a setup failed, in one line: an error of a library says its class and where it happened. */
function explain(error: unknown): string {
  const message = messageOf(error)
  if (isSkynetError(error) || !isError(error)) return message
  const place = placeOf(error)
  return `${error.name}: ${message}${place === '' ? '' : ` (${shortPath(place)})`}`
}
