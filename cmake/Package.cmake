# The Debian package: what it installs and what CPack makes of it (scripts/package.sh). Its own files are in package/.
#
# It starts nothing at its installation, and keeps data and configuration until it is purged: package/debian/.
set(package ${CMAKE_SOURCE_DIR}/package)
set(doc share/doc/paywarden)

# Installing asks for the two programs alone, not for every test.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)

# Debian wants its changelog compressed, and the same bytes each time.
set(changelog ${CMAKE_BINARY_DIR}/changelog.Debian.gz)
execute_process(COMMAND gzip -9nc ${package}/debian/changelog OUTPUT_FILE ${changelog} COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${package}/debian/changelog)

install(TARGETS paywarden paywarden-loadgen RUNTIME DESTINATION bin)
install(DIRECTORY ${package}/etc/ DESTINATION /etc/paywarden)
install(FILES ${package}/paywarden.service DESTINATION /lib/systemd/system)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/config DESTINATION share/paywarden)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${package}/debian/copyright ${changelog} DESTINATION ${doc})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION ${doc})
install(FILES ${package}/debian/lintian-overrides DESTINATION share/lintian/overrides RENAME paywarden)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME paywarden)
set(CPACK_PACKAGE_CONTACT "The Paywarden developers <paywarden@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "decides payments as they arrive: learned detector, rules, alerts")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Paywarden watches payments as they arrive, decides each one in real time\n\
(approve, review, decline) with a learned detector and rules, keeps every\n\
decision, and tells the people who must act in a notification center.\n\
.\n\
It is one program on one machine: HTTP API, log, model, web page. It also\n\
trains its model on history. The package holds its load generator too.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# The libraries of the programs, with the versions that they need; adduser makes the user.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
# Who signs the certificates of webhooks, mail servers and polled APIs.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${package}/debian/conffiles ${package}/debian/postinst ${package}/debian/prerm
    ${package}/debian/postrm)
include(CPack)

# What it holds, in seconds; what becomes of it on a bare Debian, in two minutes, with a network.
add_test(NAME package_content COMMAND ${package}/tests/package_content.sh ${CMAKE_SOURCE_DIR})
set_tests_properties(package_content PROPERTIES LABELS engine TIMEOUT 300 RUN_SERIAL TRUE SKIP_RETURN_CODE 77)
add_test(NAME package_machine COMMAND ${package}/tests/package_machine.sh ${CMAKE_SOURCE_DIR})
set_tests_properties(package_machine PROPERTIES LABELS soak TIMEOUT 1200 RUN_SERIAL TRUE SKIP_RETURN_CODE 77)
