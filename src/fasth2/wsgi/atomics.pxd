# Numbers and flags that one thread writes while others read them: release
# stores and acquire loads, so a reader of a value also sees what was written before it.
cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define FASTH2_LOAD(at) __atomic_load_n((at), __ATOMIC_ACQUIRE)
    #define FASTH2_STORE(at, value) __atomic_store_n((at), (value), __ATOMIC_RELEASE)
    #else
    /* Other compilers: the server does not run on Windows. */
    #define FASTH2_LOAD(at) (*(at))
    #define FASTH2_STORE(at, value) (*(at) = (value))
    #endif
    static inline unsigned long fasth2_load_number(unsigned long *at) { return FASTH2_LOAD(at); }
    static inline void fasth2_store_number(unsigned long *at, unsigned long value) { FASTH2_STORE(at, value); }
    static inline int fasth2_load_flag(int *at) { return FASTH2_LOAD(at); }
    static inline void fasth2_store_flag(int *at, int value) { FASTH2_STORE(at, value); }
    """
    unsigned long load_number "fasth2_load_number" (unsigned long *at) noexcept nogil
    void store_number "fasth2_store_number" (unsigned long *at, unsigned long value) noexcept nogil
    bint load_flag "fasth2_load_flag" (int *at) noexcept nogil
    void store_flag "fasth2_store_flag" (int *at, bint value) noexcept nogil
