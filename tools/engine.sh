# engine.sh - for scripts that use Docker: . tools/engine.sh

# WHO [IMAGE]: ends the script where no engine answers, or has no such image
engine() {
	docker info > /dev/null 2>&1 || {
		echo "$1: no Docker engine answers. Install one (Debian: apt-get install docker.io), start it, and" >&2
		echo "see that you may use it (docker info; else as root, or: adduser \$USER docker, and log in again)." >&2
		exit 1
	}
	[ -z "${2-}" ] || docker image inspect "$2" > /dev/null 2>&1 || { echo "$1: no image '$2': make image first" >&2; exit 1; }
}

# IMAGE: the GPUs that it has machine code for; nothing of one for CPUs, and where there is none
gpus_of() {
	docker image inspect "$1" > /dev/null 2>&1 || return 0
	docker run --rm --network none "$1" sh -c 'cat gpus.txt 2> /dev/null || true'
}
