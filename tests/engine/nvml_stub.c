/* A library with the interface of libnvidia-ml.so.1 and fixed answers: one divided GPU, one that supports little.
 * Names, types and error numbers are those of NVIDIA's nvml.h. STUB_INIT makes nvmlInit answer that error. */

#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6 };

typedef struct {
    char legacy[16];
    unsigned int domain, bus, device, id, subsystem;
    char bus_id[32];
} pci_t;

typedef struct {
    unsigned long long total, free, used;
} memory_t;

typedef struct {
    unsigned int multiprocessors, copy, decoder, encoder, jpeg, ofa, slices, compute;
    unsigned long long megabytes;
} attributes_t;

static int devices[2], parts[2];

static int is_first(void *device) { return device == &devices[0]; }

static int text(char *to, unsigned int size, const char *from)
{
    strncpy(to, from, size);
    return SUCCESS;
}

int nvmlInitWithFlags(unsigned int flags)
{
    const char *answer = getenv("STUB_INIT");
    (void)flags;
    return answer ? atoi(answer) : SUCCESS;
}

int nvmlShutdown(void) { return SUCCESS; }

const char *nvmlErrorString(int error) { return error == 9 ? "Driver Not Loaded" : "error"; }

int nvmlSystemGetDriverVersion(char *to, unsigned int size) { return text(to, size, "580.65.06"); }

int nvmlSystemGetCudaDriverVersion(int *version)
{
    *version = 13000;
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned int *count)
{
    *count = 2;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device)
{
    *device = &devices[index];
    return SUCCESS;
}

int nvmlDeviceGetPciInfo_v3(void *device, pci_t *info)
{
    return text(info->bus_id, sizeof info->bus_id, is_first(device) ? "00000000:01:00.0" : "00000000:02:00.0");
}

int nvmlDeviceGetName(void *device, char *to, unsigned int size)
{
    return text(to, size, is_first(device) ? "Stub A100" : "Stub Tegra");
}

int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor)
{
    *major = 8;
    *minor = is_first(device) ? 0 : 7;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(void *device, memory_t *memory)
{
    memory->total = 81920ULL << 20;
    return is_first(device) ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetMigMode(void *device, unsigned int *now, unsigned int *later)
{
    *now = *later = 1;
    return is_first(device) ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetEccMode(void *device, int *now, int *later)
{
    *now = *later = 1;
    return is_first(device) ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetPersistenceMode(void *device, int *mode)
{
    *mode = 0;
    return is_first(device) ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetVbiosVersion(void *device, char *to, unsigned int size)
{
    return is_first(device) ? text(to, size, "92.00.36.00.02") : NOT_SUPPORTED;
}

int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned int *count)
{
    *count = is_first(device) ? 7 : 0;
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned int index, void **part)
{
    if (index > 1)
        return NOT_FOUND;
    *part = &parts[index];
    return SUCCESS;
}

int nvmlDeviceGetAttributes_v2(void *part, attributes_t *attributes)
{
    attributes->multiprocessors = part == &parts[0] ? 42 : 14;
    attributes->megabytes = part == &parts[0] ? 40192 : 19968;
    return SUCCESS;
}
